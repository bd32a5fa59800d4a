// A whole application at one moment: frozen as a group, every thread held under ptrace.
//
// Freezing the cgroup first gives the one consistent moment (nothing forks between looking and
// stopping); the threads are then taken one by one out of the frozen state into ptrace stops, and
// the cgroup is thawed so that calls can be made in them. While this object lives nothing of the
// application runs by itself. Its destruction lets everything go on, whatever happened.
//
// Who waits for a child between vfork and exec comes to no stop before that child has gone on. It
// stands still as well, because the child is held, but is not held itself: what it is can only be
// read from the kernel's memory (os/kernel_thread.h).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/cgroup.h"
#include "os/proc/process_dir.h"
#include "os/short_turns.h"
#include "os/timed_calls.h"
#include "trace/traced.h"
#include "trace/tracee.h"

namespace appshot {

struct FrozenThread {
  VirtualPid id;
  VirtualPid own_id;  // what it calls itself: in a pid namespace of the application's own another
  Tracee tracee;
  // What it waits in, and until when on our CLOCK_MONOTONIC if that is known: see time_left.h.
  std::optional<TimedCall> call{};
  std::optional<int64_t> end_ns{};
  std::optional<TracedState> traced{};  // by another of the application, which let go of it
};

struct FrozenProcess {
  HostPid pid;
  VirtualPid id, own_id;
  proc::ProcessDir dir;
  bool leader_exited = false;         // its first thread is gone, others are not
  int stop_signal = 0;                // it was stopped (SIGSTOP, SIGTSTP …) before we came
  std::vector<FrozenThread> threads;  // those that live, the leader first

  HostPid any() const { return threads.front().tracee.tid(); }
  // The first thread that is held; nullptr: all of them wait in vfork.
  FrozenThread* held();
};

class FrozenApplication {
 public:
  // When it runs on afterwards, whoever asks gets the processor back sooner meanwhile. `layout` is
  // kept from one to the next, and may be nullptr.
  enum class Afterwards { runs_on, ends };
  enum class AtVfork { refused, kept };  // who waits there
  static Result<FrozenApplication> freeze(const Cgroup& cgroup, Afterwards afterwards,
                                          Deadline deadline, std::optional<KernelLayout>* layout,
                                          AtVfork at_vfork);
  FrozenApplication(FrozenApplication&&) noexcept;
  FrozenApplication& operator=(FrozenApplication&&) = delete;
  ~FrozenApplication();

  std::vector<FrozenProcess>& processes() { return processes_; }
  double ms() const;  // how long it has stood still by now

  // Lets everything go on; all at once, because it happens in the frozen state.
  Result<> resume();
  // Ends every process without letting one of them run again.
  Result<> kill();

 private:
  using Clock = std::chrono::steady_clock;
  explicit FrozenApplication(const Cgroup& cgroup) : cgroup_(&cgroup) {}
  struct ThreadLook {
    HostPid tid;
    proc::Fields status;
    bool waits_for_start = false;
  };
  using Look = std::vector<ThreadLook>;  // at the threads of one process
  using Looks = std::vector<Look>;       // in the order of processes_
  Result<Look> look_at(HostPid pid, Deadline deadline, AtVfork at_vfork);
  Result<> seize(FrozenProcess& process, const Look& look);
  Result<> seize_thread(FrozenProcess& process, const ThreadLook& thread);
  Result<> hold(FrozenProcess& process, Deadline deadline);
  Result<> refuse_tangled_tracing(const Looks& looks) const;
  Result<> loosen_traced(const Looks& looks, std::optional<KernelLayout>* layout,
                         Deadline deadline);
  Result<> bind_traced();
  void let_go();
  void reap_all(Deadline deadline);

  const Cgroup* cgroup_;
  std::unique_ptr<ShortTurns> turns_;
  Clock::time_point since_ = Clock::now();
  std::vector<FrozenProcess> processes_;
};

}  // namespace appshot
