// What rules mean for this instance: they are kept as they were written, and evaluated at each
// start.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "isolation/file_world.h"
#include "protocol/harness_config.h"

namespace appshot {

// Fills in where paths lead, and the variables that are set. An error names the rule.
Result<> apply_rules(HarnessConfig& config, FileWorld& world);

// `env` with the values of `set`, each KEY=VALUE, in place of those it has.
std::vector<std::string> merged_environment(std::vector<std::string> env,
                                            const std::vector<std::string>& set);

}  // namespace appshot
