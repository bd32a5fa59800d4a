// What a launch is asked for: whether it makes sense, what is remembered of it, and what the
// harness is told.
#pragma once

#include <string>

#include "base/result.h"
#include "protocol/harness_config.h"

namespace appshot {

Result<> check_launch(const Json& request);
bool shares_files(const Json& request);
// What was asked for by name, by names that keep their meaning.
Result<Privileges> privileges_of(const Json& request);

// Everything but the environment, which holds secrets.
Json spec_of(const Json& request);
HarnessConfig config_of(const Json& request, const std::string& aid);

}  // namespace appshot
