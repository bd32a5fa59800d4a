// SEM_UNDO: what a process's end will add to semaphores. The kernel shows it to nobody, but a
// process that asks for too much of it is refused (ERANGE): the limit is 16 bits, so where it is
// reached tells how much there is. Each probe is one semop that cannot succeed as a whole, so that
// nothing changes and nobody wakes.
#pragma once

#include <sys/sem.h>

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "trace/call_list.h"

namespace appshot::ipc {

using SemOperations = std::vector<sembuf>;

constexpr size_t kProbesMax = 50;  // semaphores of one semop, which takes 500 operations

// Operations that fail with ERANGE when the caller's adjustment of the semaphore, whose value is
// `value`, is above / below `limit` (0 to 32767 / -32767 to 0), and with EAGAIN otherwise. Several
// may stand one behind the other; refuse_all() comes last.
void probe_above(uint16_t semaphore, uint16_t value, int limit, SemOperations& operations);
void probe_below(uint16_t semaphore, uint16_t value, int limit, SemOperations& operations);
void refuse_all(SemOperations& operations);

// One that tells whether the adjustment is at least `bound` (-32767 to 32767): read the answer with
// is_at_least().
SemOperations probe_at_least(uint16_t semaphore, uint16_t value, int bound);
bool is_at_least(int bound, int64_t result);

// By the process itself: it has the adjustments that the image tells of, the values as they are. At
// most so many calls for one of them.
constexpr size_t kUndoCallsMax = 3;
void plan_undo(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
               DataSpace& data);

}  // namespace appshot::ipc
