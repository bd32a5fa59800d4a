// What rules mean for this instance: they are kept as they were written, and evaluated at each
// start.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "isolation/file_world.h"
#include "protocol/harness_config.h"

namespace appshot {

// What a restore begins with.
struct FormerLife {
  const image::ImageT& image;
  HarnessConfig config;  // as it was when the snapshot was taken
};

// Fills in where paths lead, and the variables that are set. An error names the rule.
// `former`: what a restore or clone was captured from, of which files are open.
Result<> apply_rules(HarnessConfig& config, FileWorld& world, const FormerLife* former = nullptr);

// `env` with the values of `set`, each KEY=VALUE, in place of those it has.
std::vector<std::string> merged_environment(std::vector<std::string> env,
                                            const std::vector<std::string>& set);

}  // namespace appshot
