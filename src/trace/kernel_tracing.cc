#include "trace/kernel_tracing.h"

#include "os/kernel_thread.h"

namespace appshot {
namespace {

// Of task_struct.ptrace.
constexpr uint32_t kTraced = 1, kSeized = 0x10000;
constexpr int kOptionsShift = 3;
constexpr uint32_t kOptionsMask = 0x3000ff;  // PTRACE_O_*
// Of thread_info (since 5.11).
constexpr uint64_t kCallTrace = 1 << 2, kCallEmulation = 1 << 3;
// The user's registers (struct pt_regs) end at the top of the stack, or, on newer kernels, a little
// below.
constexpr uint64_t kStackBytes = 16384, kRegistersBytes = 168, kPaddings[] = {0, 16};
constexpr uint64_t kCodeSegmentAt = 136, kFlagsAt = 144, kStackSegmentAt = 160;
constexpr uint64_t kUserCode = 0x33, kUserStack = 0x2b, kTrapFlag = 1 << 8;

// What GETREGS does not show when the tracer has set it.
Result<bool> has_trap_flag(KernelMemory& memory, uint64_t stack) {
  for (const uint64_t padding : kPaddings) {
    const uint64_t at = stack + kStackBytes - padding - kRegistersBytes;
    if (TRY(memory.read<uint64_t>(at + kCodeSegmentAt)) == kUserCode &&
        TRY(memory.read<uint64_t>(at + kStackSegmentAt)) == kUserStack)
      return (TRY(memory.read<uint64_t>(at + kFlagsAt)) & kTrapFlag) != 0;
  }
  return unexpected_memory("the registers of a thread");
}

}  // namespace

Result<KernelTracing> tracing_of(KernelView& kernel, int folder) {
  const KernelLayout& at = kernel.layout;
  for (const uint32_t place : {at.task_traced, at.task_call_work, at.task_stack})
    if (place == KernelLayout::kAbsent) return unexpected_memory("who traces a thread");
  KernelMemory& memory = kernel.memory;
  const uint64_t task = TRY(task_address(kernel, folder));
  const auto flags = TRY(memory.read<uint32_t>(task + at.task_traced));
  const auto work = TRY(memory.read<uint64_t>(task + at.task_call_work));
  KernelTracing tracing;
  tracing.traced = (flags & kTraced) != 0;
  tracing.seized = (flags & kSeized) != 0;
  tracing.options = flags >> kOptionsShift & kOptionsMask;
  tracing.to_call = (work & kCallTrace) != 0;
  tracing.steps = (work & kCallEmulation) != 0 ||
                  TRY(has_trap_flag(memory, TRY(memory.read<uint64_t>(task + at.task_stack))));
  return tracing;
}

}  // namespace appshot
