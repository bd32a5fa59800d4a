// Patterns of paths: ? is one character of a name, * any number of them, ** also slashes, so that
// /a/** is all that lies below /a; and /a/**/b is every b there, /a/b as well.
#pragma once

#include <string_view>

namespace appshot::rules {

// Takes no longer than the product of both lengths.
bool glob_matches(std::string_view pattern, std::string_view path);

}  // namespace appshot::rules
