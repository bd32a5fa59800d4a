// Begins to track what frozen processes write: each makes a userfaultfd itself, since nobody else
// can for it, and we take it over.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "resources/memory_tracks.h"
#include "trace/frozen_application.h"

namespace appshot {

// Of those that have enough memory of their own and are not tracked yet. Who cannot be tracked is
// left: all of its memory is copied each time.
Result<> begin_tracking(FrozenApplication& frozen, MemoryTracks& tracks, Deadline deadline);

// Memory of its own that a process has, in bytes; about.
uint64_t own_memory(const proc::ProcessDir& process);
// From here on it is worth it.
inline constexpr uint64_t kWorthTracking = 1 << 20;

}  // namespace appshot
