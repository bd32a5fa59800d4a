// What the kernel keeps of a thread and its process: for one that cannot be stopped, and so can
// neither be asked nor looked at by a tracer (trace/tracee.h). It sleeps, and while its state is
// read nothing may wake it.
#pragma once

#include <signal.h>
#include <sys/user.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

// The address of what it keeps of the thread whose folder in /proc (PID/task/TID) that descriptor
// of ours is.
Result<uint64_t> task_address(KernelView& kernel, int folder);

// Whether the one waits for the other to begin a program, or end (vfork).
Result<bool> waits_for_start_of(KernelView& kernel, uint64_t waiting, uint64_t child);

struct KernelThread {
  struct Filter {
    std::vector<uint8_t> instructions;
    bool logs = false;
  };
  user_regs_struct registers{};
  std::vector<uint8_t> xstate;  // as another thread of the application was told
  uint64_t blocked = 0;
  uint64_t alt_stack = 0, alt_stack_size = 0;
  int alt_stack_flags = 0;
  uint64_t clear_child_tid = 0, robust_list = 0;
  uint64_t rseq = 0;
  uint32_t rseq_length = 0, rseq_signature = 0;
  int death_signal = 0;
  uint32_t securebits = 0;
  bool has_breakpoints = false;  // in its debug registers
  std::vector<siginfo_t> pending;
  std::vector<Filter> filters;  // the oldest first
};
Result<KernelThread> describe_thread(KernelView& kernel, uint64_t task,
                                     std::span<const uint8_t> xstate_like);

struct KernelProcess {
  struct Action {
    uint64_t handler, flags, restorer, mask;
  };
  std::vector<Action> actions;  // of signal 1 first
  std::vector<siginfo_t> pending;
  bool subreaper = false;
  bool decides_on_memory_errors = false, killed_early = false;  // PR_MCE_KILL
  int64_t timer_end_ns = -1;  // ITIMER_REAL, on CLOCK_MONOTONIC of the machine; -1: it does not run
  int64_t timer_again_ns = 0;
  bool has_processor_timers = false;  // ITIMER_VIRTUAL, ITIMER_PROF
  bool has_undo = false;              // on semaphores
  bool stops = false;                 // as a job, all of its threads together; or is told to
  bool has_continued = false;         // after such a stop, of which its parent was not told
};
// Of a thread's.
Result<KernelProcess> describe_process(KernelView& kernel, uint64_t task);

// Whether a descriptor of its process is closed when it begins another program.
Result<bool> is_closed_on_exec(KernelView& kernel, uint64_t task, int fd);

}  // namespace appshot
