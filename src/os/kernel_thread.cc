#include "os/kernel_thread.h"

#include <linux/filter.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "os/kernel_files.h"
#include "os/kernel_xstate.h"

namespace appshot {
namespace {

// The user's registers (struct pt_regs) end at the top of the stack, or, on newer kernels, a little
// below. They begin as user_regs_struct does.
constexpr uint64_t kStackBytes = 16384, kRegistersBytes = 168, kPaddings[] = {0, 16};
static_assert(offsetof(user_regs_struct, fs_base) == kRegistersBytes);
constexpr uint64_t kUserCode = 0x33, kUserStack = 0x2b, kSelectorMask = 0xffff;

constexpr int kSignals = 64;
constexpr size_t kPendingMax = 1 << 17, kFiltersMax = 4096;
constexpr int kBreakpoints = 4;
// Of task_struct.flags, signal_struct.flags and hrtimer.state.
constexpr uint32_t kDecidesOnMemoryErrors = 0x80, kKilledEarly = 0x08000000;
constexpr uint32_t kStopped = 1, kContinued = 2;
constexpr uint8_t kEnqueued = 1;

class Reader {
 public:
  Reader(KernelView& kernel, uint64_t task)
      : memory_(kernel.memory), all_(kernel.layout), at_(kernel.layout.threads), task_(task) {}

  Result<> known() const {
    if (at_.known && all_.task_stack != KernelLayout::kAbsent &&
        at_.action_size == sizeof(KernelProcess::Action) && at_.info_size <= sizeof(siginfo_t))
      return {};
    return unexpected_memory("what belongs to a thread");
  }

  template <typename T>
  Result<T> of_task(uint32_t place) {
    return memory_.read<T>(task_ + place);
  }

  Result<user_regs_struct> registers() {
    const auto stack = TRY(of_task<uint64_t>(all_.task_stack));
    user_regs_struct all{};
    for (const uint64_t padding : kPaddings) {
      TRY(memory_.read(stack + kStackBytes - padding - kRegistersBytes,
                       {reinterpret_cast<uint8_t*>(&all), kRegistersBytes}));
      all.cs &= kSelectorMask;
      all.ss &= kSelectorMask;
      if (all.cs != kUserCode || all.ss != kUserStack) continue;
      all.fs_base = TRY(of_task<uint64_t>(at_.thread_fs_base));
      all.gs_base = TRY(of_task<uint64_t>(at_.thread_gs_base));
      all.fs = TRY(of_task<uint16_t>(at_.thread_fs));
      all.gs = TRY(of_task<uint16_t>(at_.thread_gs));
      all.ds = TRY(of_task<uint16_t>(at_.thread_ds));
      all.es = TRY(of_task<uint16_t>(at_.thread_es));
      if (all.fs != 0 || all.gs != 0) break;  // then the bases are kept elsewhere
      return all;
    }
    return unexpected_memory("the registers of a thread");
  }

  Result<std::vector<uint8_t>> xstate(std::span<const uint8_t> like) {
    const auto state = TRY(memory_.read<uint64_t>(task_ + at_.task_fpu + at_.fpu_state));
    const auto features = TRY(memory_.read<uint64_t>(state + at_.fpstate_features));
    const std::vector<XstateComponent> components = xstate_components();
    std::vector<uint8_t> kept(kXstateHeadBytes);
    TRY(memory_.read(state + at_.fpstate_registers, kept));
    kept.resize(TRY(kept_xstate_bytes(kept, components)));
    TRY(memory_.read(state + at_.fpstate_registers, kept));
    return told_xstate(kept, features, TRY(of_task<uint32_t>(at_.thread_pkru)), components, like);
  }

  Result<std::vector<siginfo_t>> queue(uint64_t pending) {
    std::vector<siginfo_t> all;
    const uint64_t head = pending + at_.pending_list;
    for (auto next = TRY(memory_.read<uint64_t>(head)); next != head;
         next = TRY(memory_.read<uint64_t>(next))) {
      if (all.size() == kPendingMax) return unexpected_memory("signals that wait");
      siginfo_t info{};
      TRY(memory_.read(next - at_.queued_list + at_.queued_info,
                       {reinterpret_cast<uint8_t*>(&info), at_.info_size}));
      all.push_back(info);
    }
    return all;
  }

  Result<std::vector<KernelThread::Filter>> filters() {
    std::vector<KernelThread::Filter> all;
    for (auto filter = TRY(of_task<uint64_t>(at_.task_filter)); filter != 0;
         filter = TRY(memory_.read<uint64_t>(filter + at_.filter_before))) {
      if (all.size() == kFiltersMax) return unexpected_memory("seccomp filters");
      const auto program = TRY(memory_.read<uint64_t>(filter + at_.filter_program));
      const auto original = TRY(memory_.read<uint64_t>(program + at_.program_original));
      if (original == 0) return unexpected_memory("a seccomp filter");
      KernelThread::Filter one;
      one.logs = TRY(memory_.read<uint8_t>(filter + at_.filter_logs)) != 0;
      one.instructions.resize(TRY(memory_.read<uint16_t>(original + at_.original_length)) *
                              sizeof(sock_filter));
      TRY(memory_.read(TRY(memory_.read<uint64_t>(original + at_.original_instructions)),
                       one.instructions));
      all.push_back(std::move(one));
    }
    std::reverse(all.begin(), all.end());
    return all;
  }

  Result<bool> has_breakpoints() {
    for (int i = 0; i < kBreakpoints; ++i)
      if (TRY(memory_.read<uint64_t>(task_ + at_.thread_breakpoints +
                                     static_cast<uint64_t>(i) * sizeof(uint64_t))) != 0)
        return true;
    return false;
  }

  Result<std::vector<KernelProcess::Action>> actions() {
    const auto table = TRY(of_task<uint64_t>(at_.task_actions));
    std::vector<KernelProcess::Action> all(kSignals);
    TRY(memory_.read(table + at_.actions, {reinterpret_cast<uint8_t*>(all.data()),
                                           all.size() * sizeof(KernelProcess::Action)}));
    return all;
  }

  KernelMemory& memory() { return memory_; }
  const KernelThreadLayout& at() const { return at_; }

 private:
  KernelMemory& memory_;
  const KernelLayout& all_;
  const KernelThreadLayout& at_;
  const uint64_t task_;
};

}  // namespace

Result<uint64_t> task_address(KernelView& kernel, int folder) {
  const KernelLayout& at = kernel.layout;
  for (const uint32_t place : {at.process_inode, at.process_pid, at.pid_tasks, at.task_links})
    if (place == KernelLayout::kAbsent) return unexpected_memory("threads");
  KernelMemory& memory = kernel.memory;
  const uint64_t file = TRY(file_address(kernel, folder));
  const auto inode = TRY(memory.read<uint64_t>(file + at.file_inode));
  const auto pid = TRY(memory.read<uint64_t>(inode - at.process_inode + at.process_pid));
  // The first of its lists is of the thread itself.
  const auto link = TRY(memory.read<uint64_t>(pid + at.pid_tasks));
  if (link == 0) return Error(ErrorClass::gone, "the thread has ended");
  return link - at.task_links;
}

// What the child will announce itself by lies on the stack of who waits.
Result<bool> waits_for_start_of(KernelView& kernel, uint64_t waiting, uint64_t child) {
  TRY(Reader(kernel, waiting).known());
  const auto stack = TRY(kernel.memory.read<uint64_t>(waiting + kernel.layout.task_stack));
  const auto done =
      TRY(kernel.memory.read<uint64_t>(child + kernel.layout.threads.task_vfork_done));
  return done >= stack && done < stack + kStackBytes;
}

Result<KernelThread> describe_thread(KernelView& kernel, uint64_t task,
                                     std::span<const uint8_t> xstate_like) {
  Reader reader(kernel, task);
  TRY(reader.known());
  const KernelThreadLayout& at = reader.at();
  KernelThread thread;
  thread.registers = TRY(reader.registers());
  thread.xstate = TRY(reader.xstate(xstate_like));
  thread.blocked = TRY(reader.of_task<uint64_t>(at.task_blocked));
  thread.alt_stack = TRY(reader.of_task<uint64_t>(at.task_alt_stack));
  thread.alt_stack_size = TRY(reader.of_task<uint64_t>(at.task_alt_stack_size));
  thread.alt_stack_flags = TRY(reader.of_task<int>(at.task_alt_stack_flags));
  thread.clear_child_tid = TRY(reader.of_task<uint64_t>(at.task_clear_child_tid));
  thread.robust_list = TRY(reader.of_task<uint64_t>(at.task_robust_list));
  thread.rseq = TRY(reader.of_task<uint64_t>(at.task_rseq));
  thread.rseq_length = TRY(reader.of_task<uint32_t>(at.task_rseq_length));
  thread.rseq_signature = TRY(reader.of_task<uint32_t>(at.task_rseq_signature));
  thread.death_signal = TRY(reader.of_task<int>(at.task_death_signal));
  const auto cred = TRY(reader.of_task<uint64_t>(at.task_cred));
  thread.securebits = TRY(reader.memory().read<uint32_t>(cred + at.cred_securebits));
  thread.has_breakpoints = TRY(reader.has_breakpoints());
  thread.pending = TRY(reader.queue(task + at.task_pending));
  thread.filters = TRY(reader.filters());
  return thread;
}

Result<KernelProcess> describe_process(KernelView& kernel, uint64_t task) {
  Reader reader(kernel, task);
  TRY(reader.known());
  const KernelThreadLayout& at = reader.at();
  KernelMemory& memory = reader.memory();
  const auto signal = TRY(reader.of_task<uint64_t>(at.task_signal));
  KernelProcess process;
  process.actions = TRY(reader.actions());
  process.pending = TRY(reader.queue(signal + at.signal_pending));
  const auto marks = TRY(memory.read<uint8_t>(signal + at.signal_subreaper_bit / 8));
  process.subreaper = (marks >> at.signal_subreaper_bit % 8 & 1) != 0;
  const auto flags = TRY(reader.of_task<uint32_t>(at.task_flags));
  process.decides_on_memory_errors = (flags & kDecidesOnMemoryErrors) != 0;
  process.killed_early = (flags & kKilledEarly) != 0;
  const uint64_t timer = signal + at.signal_timer;
  if ((TRY(memory.read<uint8_t>(timer + at.signal_timer_state)) & kEnqueued) != 0)
    process.timer_end_ns = TRY(memory.read<int64_t>(timer + at.signal_timer_expires));
  process.timer_again_ns = TRY(memory.read<int64_t>(signal + at.signal_timer_again));
  for (size_t i = 0; i < 4; ++i)  // when each ends, and how long it takes again
    process.has_processor_timers |=
        TRY(memory.read<uint64_t>(signal + at.signal_processor_timers + i * sizeof(uint64_t))) != 0;
  if (const auto undo = TRY(reader.of_task<uint64_t>(at.task_undo)); undo != 0) {
    const uint64_t list = undo + at.undo_list;  // an empty one leads to itself
    process.has_undo = TRY(memory.read<uint64_t>(list)) != list;
  }
  const auto state = TRY(memory.read<uint32_t>(signal + at.signal_flags));
  process.stops =
      (state & kStopped) != 0 || TRY(memory.read<int>(signal + at.signal_stop_count)) != 0;
  process.has_continued = (state & kContinued) != 0;
  return process;
}

Result<bool> is_closed_on_exec(KernelView& kernel, uint64_t task, int fd) {
  KernelMemory& memory = kernel.memory;
  const KernelLayout& at = kernel.layout;
  if (!at.threads.known) return unexpected_memory("descriptors");
  const auto files = TRY(memory.read<uint64_t>(task + at.task_files));
  const auto table = TRY(memory.read<uint64_t>(files + at.files_table));
  const auto index = static_cast<uint32_t>(fd);
  if (index >= TRY(memory.read<uint32_t>(table + at.table_size)))
    return unexpected_memory("descriptors");
  const auto marks = TRY(memory.read<uint64_t>(table + at.threads.table_closed_on_exec));
  return (TRY(memory.read<uint8_t>(marks + index / 8)) >> index % 8 & 1) != 0;
}

}  // namespace appshot
