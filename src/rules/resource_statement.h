// RESOURCE: which resources of a type, which accesses, what to do.
#pragma once

#include <optional>

#include "rules/rule.h"
#include "rules/scope.h"
#include "rules/token_reader.h"

namespace appshot::rules {

// What follows the word RESOURCE. False: the statement could not be read to its end. Nothing in
// `rule`: it could, and something is wrong with it, which has been told.
bool read_resource(TokenReader& reader, Scope& scope, Problems& problems,
                   std::optional<ResourceRule>& rule);

}  // namespace appshot::rules
