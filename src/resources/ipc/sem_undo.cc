#include "resources/ipc/sem_undo.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "resources/namespaces.h"

namespace appshot::ipc {
namespace {

constexpr int kMax = 32767;  // of a value (SEMVMX) and of an adjustment, which can be -32768 too
constexpr int kStep = 16383;

sembuf operation(uint16_t semaphore, int change, bool undo = false) {
  return {semaphore, static_cast<short>(change),
          static_cast<short>(IPC_NOWAIT | (undo ? SEM_UNDO : 0))};
}

// A change of zero would wait for zero.
void add_change(uint16_t semaphore, int change, SemOperations& operations, bool undo = false) {
  if (change != 0) operations.push_back(operation(semaphore, change, undo));
}

// The value goes there and back, and one of the two ways is remembered.
SemOperations adjust(uint16_t semaphore, int value, int adjustment) {
  bool there_first = value + adjustment >= 0 && value + adjustment <= kMax;
  if (there_first)
    return {operation(semaphore, adjustment), operation(semaphore, -adjustment, true)};
  return {operation(semaphore, -adjustment, true), operation(semaphore, adjustment)};
}

}  // namespace

void probe_above(uint16_t semaphore, uint16_t value, int limit, SemOperations& operations) {
  add_change(semaphore, kMax - value, operations);
  add_change(semaphore, limit - kMax, operations, true);
}

void probe_below(uint16_t semaphore, uint16_t value, int limit, SemOperations& operations) {
  add_change(semaphore, -value, operations);
  int change = kMax + 1 + limit;
  add_change(semaphore, std::min(change, kMax), operations, true);
  if (change <= kMax) return;
  // One more than a value can be.
  add_change(semaphore, -1, operations);
  add_change(semaphore, 1, operations, true);
}

void refuse_all(SemOperations& operations) {
  operations.push_back(operation(operations.back().sem_num, -kMax - 1));
}

SemOperations probe_at_least(uint16_t semaphore, uint16_t value, int bound) {
  SemOperations operations;
  if (bound > 0)
    probe_above(semaphore, value, bound - 1, operations);
  else
    probe_below(semaphore, value, bound, operations);
  refuse_all(operations);
  return operations;
}

bool is_at_least(int bound, int64_t result) { return (result == -ERANGE) == (bound > 0); }

void plan_undo(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
               DataSpace& data) {
  const int space = namespaces::space_of(image, process, "ipc");
  for (const auto& set : image.sysv_sem) {
    if (set->space != space) continue;
    for (const image::SemUndo& undo : set->undo) {
      if (undo.process() != process.pid || undo.semaphore() >= set->values.size()) continue;
      for (int left = undo.adjustment(); left != 0;) {
        const int step = std::clamp(left, -kStep, kStep);
        const SemOperations all = adjust(undo.semaphore(), set->values[undo.semaphore()], step);
        calls.add(SYS_semop, set->permissions->id, data.put(all.data(), all.size() * sizeof all[0]),
                  all.size());
        left -= step;
      }
    }
  }
}

}  // namespace appshot::ipc
