// /proc/sys/kernel/random/boot_id, which programs take for the name of this run of this machine:
// each instance has one of its own, for life.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

// What `info` of an instance calls the file that is shown there.
inline constexpr char kOwnBootId[] = "/boot_id";
// And the folder on which /proc is seen once more, with nothing mounted in it: who makes a user
// namespace may mount a /proc there only if such a one is to be seen.
inline constexpr char kPlainProc[] = "/proc";

// Random, as the kernel writes one (a UUID, version 4).
std::string new_boot_id();

// Below a root that is being assembled, when its /proc and /run/appshot are there.
Result<> show_boot_id(const std::string& root, const std::string& info);

}  // namespace appshot
