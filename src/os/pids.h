// Process ids of two worlds, kept apart by type: what the machine calls a process and what the
// application calls it.
#pragma once

#include <sys/types.h>

#include <compare>

namespace appshot {

struct HostPid {
  pid_t value = 0;
  auto operator<=>(const HostPid&) const = default;
};

struct VirtualPid {
  pid_t value = 0;
  auto operator<=>(const VirtualPid&) const = default;
};

}  // namespace appshot
