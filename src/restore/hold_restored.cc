#include "restore/hold_restored.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <thread>

#include "os/proc/process_dir.h"
#include "resources/awaited.h"
#include "resources/signals/signals.h"
#include "resources/threads/threads.h"
#include "resources/threads/traced.h"
#include "restore/born_late.h"
#include "restore/own_parts.h"
#include "restore/remote_call.h"
#include "restore/stages.h"
#include "restore/timed_call.h"

namespace appshot {
namespace {

constexpr unsigned long kOptions =
    PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP;

constexpr std::chrono::microseconds kBetweenLooks{50};

// The first thread of a process that lives on without it takes its last steps by itself, in the
// zone, and nobody is told when it has ended.
Result<> wait_until_leader_ended(HostPid pid, Deadline deadline) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(pid));
  while (!proc::has_ended(TRY(dir.status()))) {
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "the first thread of process " + std::to_string(pid.value) + " does not end");
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return {};
}

// Who has closed what was held for children has ended, and everyone is who he was.
Result<> wait_until_alone(HostPid pid, size_t threads, Deadline deadline) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(pid));
  while (TRY(dir.threads()).size() > threads) {
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "a thread of ours in process " + std::to_string(pid.value) + " does not end");
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return {};
}

bool was_stopped(const image::ProcessT& process) {
  return process.state == image::ProcessState::stopped;
}

}  // namespace

Result<RestoredThreads> RestoredThreads::seize(const image::ImageT& image,
                                               const Cgroup& application) {
  std::map<pid_t, HostPid> hosts;  // ids inside to ids here, of threads
  std::map<pid_t, HostPid> host_processes;
  for (pid_t pid : TRY(application.processes())) {
    proc::ProcessDir dir = TRY(proc::ProcessDir::open(HostPid{pid}));
    const proc::Fields status = TRY(dir.status());
    host_processes[proc::id_inside(status, "NStgid")] = HostPid{pid};
    if (proc::field_number(status, "Threads") == 1) {
      hosts[proc::id_inside(status, "NSpid")] = HostPid{pid};
      continue;
    }
    for (HostPid tid : TRY(dir.threads()))
      hosts[proc::id_inside(TRY(dir.status_of_thread(tid)), "NSpid")] = tid;
  }
  RestoredThreads all;
  all.image_ = &image;
  for (const auto& process : image.processes) {
    if (process->state == image::ProcessState::zombie || is_awaited(image, *process)) continue;
    HeldProcess held{host_processes[process->pid], process.get(), {}, false};
    for (const auto& thread : process->threads) {
      if (hosts.count(thread->tid) == 0)
        return Error(ErrorClass::gone, "thread " + std::to_string(thread->tid) + " is missing");
      held.threads.push_back({TRY(Tracee::seize(hosts[thread->tid], kOptions)), thread.get(), {}});
    }
    all.processes_.push_back(std::move(held));
  }
  return all;
}

Result<> RestoredThreads::put_back(Zone& zone, const Script& script, const Births& births,
                                   const std::function<int64_t()>& clock_ns, Deadline deadline) {
  TRY(interrupt_all(deadline));
  find_who_unmaps();
  // Stopped ones first, children before parents: a parent must be able to wait for a stop it knew
  // of.
  for (auto process = processes_.rbegin(); process != processes_.rend(); ++process) {
    if (!was_stopped(*process->record)) continue;
    TRY(prepare(*process, zone, clock_ns, deadline));
    TRY(finish({&*process}, zone, deadline));
    TRY(stop_again(*process, deadline));
  }
  for (HeldProcess& process : processes_)
    if (!was_stopped(*process.record)) TRY(prepare(process, zone, clock_ns, deadline));
  TRY(bear_awaited(zone, script, births, clock_ns, deadline));
  std::vector<HeldProcess*> others;
  for (HeldProcess& process : processes_)
    if (!was_stopped(*process.record)) others.push_back(&process);
  TRY(finish(others, zone, deadline));
  // Which it gets as soon as it is let go.
  for (const HeldProcess* process : others)
    if (signals::is_about_to_stop(*process->record)) TRY_SYS(::kill(process->pid.value, SIGSTOP));
  return {};
}

RestoredThreads::HeldThread& RestoredThreads::HeldProcess::free() {
  return *std::ranges::find(threads, 0, [](const auto& thread) { return thread.record->awaited; });
}

// Who is born may wait for somebody itself, and comes last then: so the last of those in one memory
// never does.
Result<> RestoredThreads::bear_awaited(Zone& zone, const Script& script, const Births& births,
                                       const std::function<int64_t()>& clock_ns,
                                       Deadline deadline) {
  if (script.born_late.empty()) return {};
  for (size_t i = 0; i < processes_.size(); ++i)
    for (size_t k = 0; k < processes_[i].threads.size(); ++k) {
      HeldThread& waiter = processes_[i].threads[k];
      if (waiter.record->awaited == 0) continue;
      auto child = std::ranges::find(image_->processes, waiter.record->awaited,
                                     [](const auto& process) { return process->pid; });
      Tracee born = TRY(bear(
          {waiter.tracee, *waiter.record, **child, script.born_late.at((*child)->pid), kOptions},
          births, zone, deadline));
      HeldProcess held{born.tid(), child->get(), {}, false};
      held.threads.push_back({std::move(born), (*child)->threads.front().get(), {}});
      TRY(prepare(held, zone, clock_ns, deadline));
      processes_.push_back(std::move(held));
    }
  zone.open_stage(kStageBorn);
  for (const HeldProcess& process : processes_)
    if (has_table_of_awaiting(*image_, *process.record))
      TRY(wait_until_alone(
          process.pid,
          process.threads.size() + (process.record->state == image::ProcessState::leader_exited),
          deadline));
  find_who_unmaps();
  return {};
}

// Of those in one memory the last one, in the order in which they are put back.
void RestoredThreads::find_who_unmaps() {
  std::map<int, HeldProcess*> last;  // by the process whose memory it is
  for (HeldProcess& process : processes_) process.unmaps = false;
  auto visit = [&](HeldProcess& process) {
    last[memory_owner(*image_, *process.record).pid] = &process;
  };
  for (auto process = processes_.rbegin(); process != processes_.rend(); ++process)
    if (was_stopped(*process->record)) visit(*process);
  for (HeldProcess& process : processes_)
    if (!was_stopped(*process.record)) visit(process);
  for (auto& [owner, process] : last) process->unmaps = true;
}

Result<> RestoredThreads::interrupt_all(Deadline deadline) {
  for (HeldProcess& process : processes_)
    for (HeldThread& thread : process.threads) TRY(thread.tracee.interrupt());
  for (HeldProcess& process : processes_)
    for (HeldThread& thread : process.threads) {
      StopStatus stop = TRY(thread.tracee.wait_stop(deadline));
      if (!stop.interrupted())
        return Error(ErrorClass::other, "thread " + std::to_string(thread.record->tid) +
                                            " stopped by signal " + std::to_string(stop.signal()) +
                                            " at the end of its restore");
    }
  return {};
}

// The children's stops have just sent their parent signals it must not see, and wait for it to ask
// about stops it may have asked about long ago.
Result<> RestoredThreads::settle_stopped_children(HeldProcess& process, Zone& zone,
                                                  Deadline deadline) {
  Tracee& thread = process.threads.front().tracee;
  bool any = false;
  for (const HeldProcess& child : processes_) {
    if (child.record->parent != process.record->pid || !was_stopped(*child.record)) continue;
    any = true;
    if (!child.record->stop_reported) continue;
    const int id = PidSpaces(*image_).seen_by(*process.record, child.record->pid);
    int64_t waited = TRY(remote_call(thread, zone, SYS_waitid,
                                     CallArguments(P_PID, id, 0, WSTOPPED | WNOHANG, 0), deadline));
    if (waited < 0)
      return Error::from_errno(static_cast<int>(-waited), "waitid for a stopped child");
  }
  if (!any) return {};
  CallList calls;
  signals::plan_child_signal_afresh(PidSpaces(*image_), *process.record, calls, zone.data());
  for (const StubCall& call : calls.calls()) {
    int64_t result = TRY(remote_call(
        thread, zone, call.number,
        CallArguments(call.args[0], call.args[1], call.args[2], call.args[3]), deadline));
    if (result < 0) return Error::from_errno(static_cast<int>(-result), "putting SIGCHLD back");
  }
  return {};
}

Result<> RestoredThreads::prepare(HeldProcess& process, Zone& zone,
                                  const std::function<int64_t()>& clock_ns, Deadline deadline) {
  TRY(settle_stopped_children(process, zone, deadline));
  if (process.record->state == image::ProcessState::leader_exited)
    TRY(wait_until_leader_ended(process.pid, deadline));
  for (HeldThread& thread : process.threads)
    if (thread.record->waiting)
      thread.result =
          TRY(begin_timed_call(thread.tracee, *thread.record->waiting, zone, clock_ns(), deadline)
                  .within("thread " + std::to_string(thread.record->tid)));
  return {};
}

// The instruction that unmaps the zone goes with it; the stop on the way out of the call is the
// last thing the process does there.
Result<> RestoredThreads::finish(const std::vector<HeldProcess*>& processes, Zone& zone,
                                 Deadline deadline) {
  for (HeldProcess* process : processes)
    if (process->unmaps)
      TRY(begin_remote_call(process->free().tracee, zone, SYS_munmap,
                            CallArguments(zone.address(), zone.length())));
  for (HeldProcess* process : processes)
    if (process->unmaps) TRY(enter_remote_call(process->free().tracee, deadline));
  for (HeldProcess* process : processes) {
    int64_t unmapped = process->unmaps ? TRY(end_remote_call(process->free().tracee, deadline)) : 0;
    if (unmapped != 0)
      return Error::from_errno(static_cast<int>(-unmapped), "munmap of the restore zone");
    for (HeldThread& thread : process->threads)
      TRY(threads::put_back(thread.tracee, *thread.record, thread.result)
              .within("thread " + std::to_string(thread.record->tid)));
  }
  return {};
}

// A stop signal goes to one thread, which takes it and so begins the stop of all; the others, let
// run, join it before they could reach their own code.
Result<> RestoredThreads::stop_again(HeldProcess& process, Deadline deadline) {
  Tracee& first = process.threads.front().tracee;
  TRY_SYS(::kill(process.pid.value, SIGSTOP));
  TRY(first.resume());
  StopStatus stop = TRY(first.wait_stop(deadline));
  if (!stop.delivering() || stop.signal() != SIGSTOP)
    return Error(ErrorClass::other,
                 "process " + std::to_string(process.record->pid) + " cannot be stopped again");
  TRY(first.resume(process.record->stop_signal));
  for (size_t i = 1; i < process.threads.size(); ++i) TRY(process.threads[i].tracee.resume());
  for (HeldThread& thread : process.threads) {
    StopStatus stopped = TRY(thread.tracee.wait_stop(deadline));
    if (!stopped.group_stopped())
      return Error(ErrorClass::other,
                   "process " + std::to_string(process.record->pid) + " does not stop again");
  }
  // Let go of at once: its parent may ask about it only when we do not hold it.
  for (HeldThread& thread : process.threads) TRY(thread.tracee.detach());
  process.threads.clear();
  return {};
}

Result<> RestoredThreads::bind_traced(const Cgroup& application, Deadline deadline) {
  std::list<TracedState> states;
  std::list<TracerThread> tracers;
  std::vector<ThreadToBind> all;
  for (HeldProcess& process : processes_)
    for (HeldThread& thread : process.threads) {
      if (!thread.record->traced) continue;
      states.push_back(threads::traced_state(*thread.record->traced));
      tracers.push_back(TRY(find_tracer(states.back().tracer)));
      all.push_back({&thread.tracee, process.pid, VirtualPid{thread.record->tid}, &states.back(),
                     &tracers.back()});
    }
  return all.empty() ? Result<>() : bind_again(all, application, deadline);
}

Result<TracerThread> RestoredThreads::find_tracer(VirtualPid id) {
  const PidSpaces spaces(*image_);
  for (HeldProcess& process : processes_)
    for (HeldThread& thread : process.threads)
      if (thread.record->tid == id.value)
        return TracerThread{&thread.tracee,
                            process.pid,
                            VirtualPid{process.record->pid},
                            id,
                            VirtualPid{spaces.seen_by(*process.record, process.record->pid)},
                            VirtualPid{spaces.seen_by(*process.record, id.value)}};
  return Error(ErrorClass::corrupt,
               "thread " + std::to_string(id.value) + ", which traces others, is not held");
}

Result<> RestoredThreads::release() {
  for (HeldProcess& process : processes_)
    for (HeldThread& thread : process.threads)
      if (thread.tracee.tid().value != 0) TRY(thread.tracee.detach());
  processes_.clear();
  return {};
}

}  // namespace appshot
