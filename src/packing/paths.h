// Names from archives: what they are once they are safe to use, and the order of a layer's paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot::packing {

// "./etc//passwd/" and "/etc/passwd" are etc/passwd. Refused: "..", NUL, and what is longer or
// deeper than a path may be.
Result<std::string> plain_path(std::string_view name);

// The part before the last slash, or nothing; and the part after it.
std::string_view folder_of(std::string_view path);
std::string_view name_of(std::string_view path);
std::vector<std::string_view> components_of(std::string_view path);

// Folders before what is in them, names by their bytes: -1, 0, 1.
int compare_paths(std::string_view a, std::string_view b);

// For messages: without what would confuse a terminal, and not longer than a line or two.
std::string shown(std::string_view path);

}  // namespace appshot::packing
