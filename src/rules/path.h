// Paths as rules know them: absolute, without . and .., without doubled or trailing slashes. Such
// paths are compared by their components alone, whatever lies on a disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot::rules {

constexpr size_t kPathBytesMax = 4095;  // PATH_MAX without the NUL

// The path itself, or below it.
bool is_within(std::string_view path, std::string_view folder);

// What is wrong with a path, and at which of its bytes.
struct PathFault {
  size_t index;
  std::string what;
};
std::optional<PathFault> fault_of(std::string_view path);

// Of a path without faults: one slash for several, none at the end.
std::string without_extra_slashes(std::string_view path);

// For what users give us: a path as rules know them, or why it is none.
Result<std::string> normal_path(std::string_view path);

// Why a variable cannot have this value within a path: it has to be a part of one name, so that it
// leads nowhere else. Nothing: it can.
std::optional<std::string> fault_of_part(std::string_view value);

// Where an instance has something of its own that no rule may replace: the folder that `path` is,
// or lies in; empty: none. "/" is one, but what is below it is not.
std::string_view kept_folder(std::string_view path);

// Why nothing can be redirected to this place. Nothing: it can.
std::optional<std::string> fault_of_target(std::string_view path, std::string_view target);

}  // namespace appshot::rules
