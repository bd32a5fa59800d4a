// RESOURCE: which resources of a type, which accesses, what to do.
#pragma once

#include <optional>

#include "rules/rule.h"
#include "rules/scope.h"
#include "rules/token_reader.h"

namespace appshot::rules {

// What follows the word RESOURCE. Nothing: something is wrong with it, which has been told.
std::optional<ResourceRule> read_resource(TokenReader& reader, Scope& scope, Problems& problems);

}  // namespace appshot::rules
