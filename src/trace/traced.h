// Threads of the application that others of it trace (ptrace): a debugger, strace. A thread has one
// tracer, so while we hold such a thread it is loose: its tracer has let go of it, by its own hand
// (tracer_hand.h), in the frozen moment in which neither can notice. Afterwards, and in a restored
// application, it is bound again: attached to in the same way, standing in an equal stop, of which
// wait tells or has told.
#pragma once

#include <optional>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/cgroup.h"
#include "os/kernel_view.h"
#include "trace/tracee.h"
#include "trace/tracer_hand.h"

namespace appshot {

enum class TracedStop { none, signal, call_entry, call_exit, interrupted };

struct TracedState {
  VirtualPid tracer;  // the thread that does
  bool seized = false;
  uint32_t options = 0;  // PTRACE_O_*
  TracedStop stop = TracedStop::none;
  bool to_call = false;   // it runs to its next system call, or to the end of the one it is in
  bool reported = false;  // the tracer has been told of the stop
  siginfo_t info{};       // of the signal that it is about to get
};

// One that is to be loosened: it runs, in the frozen state, or stands where its tracer wants it to.
struct TracedThread {
  HostPid process, tid;
  VirtualPid id;
  uint64_t readable = 0;  // an address in its memory
  const TracerThread* tracer = nullptr;
};

struct LooseThread {
  Tracee thread;  // ours; it has the registers that its tracer saw
  TracedState state;
};

// All at once; `done` has them in their order, fewer after an error. They and who shares a process
// with them stand frozen in the application's cgroup, of which everyone else is held; the cgroup is
// thawed. What cannot be bound again is refused before anything is changed.
Result<> loosen(const std::vector<TracedThread>& threads, const Cgroup& application,
                unsigned long options, std::optional<KernelLayout>* layout, Deadline deadline,
                std::vector<LooseThread>& done);

// One that is to be bound: held by us, with the registers and the mask that it will have.
struct ThreadToBind {
  Tracee* thread = nullptr;
  HostPid process;
  VirtualPid id;
  const TracedState* state = nullptr;
  const TracerThread* tracer = nullptr;
};

// They are let go of by us. The application's cgroup is frozen afterwards.
Result<> bind_again(const std::vector<ThreadToBind>& threads, const Cgroup& application,
                    Deadline deadline);

}  // namespace appshot
