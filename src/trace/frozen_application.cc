#include "trace/frozen_application.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "os/restart.h"
#include "trace/side_group.h"

namespace appshot {
namespace {

// Stops of system calls must be told from SIGTRAPs, and filters of the application must not judge
// the calls we make in it. The latter needs CAP_SYS_ADMIN and a kernel built for it.
constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD;
constexpr std::chrono::microseconds kBetweenLooks{20};
constexpr std::chrono::seconds kEndMax{10};
constexpr unsigned long kSuspendSeccomp = PTRACE_O_SUSPEND_SECCOMP;
constexpr std::chrono::seconds kBindMax{10};

// Calls that report EINTR when a freeze disturbs them, although no signal handler has run.
// Those on sockets only where the socket has a time limit for them.
constexpr long kNotRestartedByKernel[] = {
    SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_semop,         SYS_semtimedop,
    SYS_msgrcv,     SYS_msgsnd,      SYS_io_getevents, SYS_io_pgetevents, SYS_io_uring_enter,
    SYS_read,       SYS_readv,       SYS_write,        SYS_writev,        SYS_rt_sigtimedwait,
    SYS_recvfrom,   SYS_recvmsg,     SYS_recvmmsg,     SYS_accept,        SYS_accept4,
    SYS_sendto,     SYS_sendmsg,     SYS_sendmmsg,     SYS_connect};

// The program must not see that anything happened: they are made again, unless a signal that waits
// has a handler. The kernel decides that when the thread goes on, here or restored.
Result<> make_again_if_frozen_in(Tracee& thread) {
  user_regs_struct registers = TRY(thread.registers());
  if (static_cast<int64_t>(registers.rax) != -EINTR) return {};
  const auto* end = std::end(kNotRestartedByKernel);
  if (std::find(std::begin(kNotRestartedByKernel), end, static_cast<long>(registers.orig_rax)) ==
      end)
    return {};
  registers.rax = static_cast<unsigned long long>(-kErestartnohand);
  return thread.set_registers(registers);
}

// Counted as frozen, it may have a few instructions to go until it sleeps.
Result<> settle(const proc::ProcessDir& dir, HostPid tid, proc::Fields& status, Deadline deadline) {
  while (proc::field(status, "State").starts_with('R')) {
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "thread " + std::to_string(tid.value) + " runs on although it is frozen");
    std::this_thread::sleep_for(kBetweenLooks);
    status = TRY(dir.status_of_thread(tid));
  }
  return {};
}

pid_t tracer_of(const proc::Fields& status) {
  return static_cast<pid_t>(proc::field_number(status, "TracerPid"));
}

Error cannot_trace(const std::string& what) {
  return Error(ErrorClass::refused, what).hint("end the debugger or strace that is attached");
}

// One that we hold: by its id here, or by that which it has itself.
Result<TracerThread> tracer_among(std::vector<FrozenProcess>& processes,
                                  const std::function<bool(const FrozenThread&)>& is_it) {
  for (FrozenProcess& process : processes)
    for (FrozenThread& thread : process.threads)
      if (is_it(thread))
        return TracerThread{&thread.tracee, process.pid,    process.id,
                            thread.id,      process.own_id, thread.own_id};
  return Error(ErrorClass::gone, "a thread that traces others has ended");
}

// Some address that its tracer can read.
Result<uint64_t> address_in(const proc::ProcessDir& dir) {
  for (const proc::Mapping& mapping : TRY(dir.mapped_ranges()))
    if (mapping.readable && mapping.name != "[vvar]") return mapping.start;
  return Error(ErrorClass::refused, "a process that is traced has no memory");
}

}  // namespace

FrozenThread* FrozenProcess::held() {
  const auto found =
      std::ranges::find_if(threads, [](const auto& thread) { return thread.tracee.is_held(); });
  return found == threads.end() ? nullptr : &*found;
}

Result<FrozenApplication> FrozenApplication::freeze(const Cgroup& cgroup, Afterwards afterwards,
                                                    Deadline deadline,
                                                    std::optional<KernelLayout>* layout,
                                                    AtVfork at_vfork) {
  FrozenApplication frozen(cgroup);
  if (afterwards == Afterwards::runs_on) frozen.turns_ = std::make_unique<ShortTurns>();
  TRY(SideGroup::clear(cgroup));
  TRY(cgroup.freeze(deadline));
  // Who cannot be stopped is found before any is told to.
  Looks looks;
  for (pid_t pid : TRY(cgroup.processes()))
    looks.push_back(TRY(
        frozen.look_at(HostPid{pid}, deadline, at_vfork).within("process " + std::to_string(pid))));
  TRY(frozen.refuse_tangled_tracing(looks));
  // All are told to stop before the first is waited for.
  for (size_t i = 0; i < looks.size(); ++i)
    TRY(frozen.seize(frozen.processes_[i], looks[i])
            .within("process " + std::to_string(frozen.processes_[i].pid.value)));
  for (FrozenProcess& process : frozen.processes_)
    TRY(frozen.hold(process, deadline).within("process " + std::to_string(process.id.value)));
  TRY(frozen.loosen_traced(looks, layout, deadline));
  TRY(cgroup.thaw());
  return frozen;
}

FrozenApplication::FrozenApplication(FrozenApplication&& other) noexcept
    : cgroup_(std::exchange(other.cgroup_, nullptr)),
      turns_(std::move(other.turns_)),
      since_(other.since_),
      processes_(std::move(other.processes_)) {}

FrozenApplication::~FrozenApplication() {
  if (cgroup_ == nullptr) return;
  // Nothing useful can be done about a failure here; resume() is the way that tells.
  (void)!resume();
}

double FrozenApplication::ms() const {
  return std::chrono::duration<double, std::milli>(Clock::now() - since_).count();
}

Result<FrozenApplication::Look> FrozenApplication::look_at(HostPid pid, Deadline deadline,
                                                           AtVfork at_vfork) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(pid));
  proc::Fields status = TRY(dir.status());
  const bool one_thread = proc::field_number(status, "Threads") == 1 && !proc::has_ended(status);
  processes_.push_back({pid,
                        VirtualPid{proc::id_inside(status, "NStgid")},
                        VirtualPid{proc::innermost(status, "NStgid")},
                        std::move(dir),
                        false,
                        0,
                        {}});
  const FrozenProcess& process = processes_.back();
  Look look;
  if (one_thread) {
    look.push_back({pid, std::move(status)});
  } else {
    for (HostPid tid : TRY(process.dir.threads()))
      look.push_back({tid, TRY(process.dir.status_of_thread(tid))});
  }
  // A child that is held begins nothing, and its parent never comes to a stop.
  for (ThreadLook& thread : look) {
    TRY(settle(process.dir, thread.tid, thread.status, deadline));
    thread.waits_for_start = TRY(process.dir.waits_for_start(thread.tid, thread.status));
    if (thread.waits_for_start && (at_vfork == AtVfork::refused || tracer_of(thread.status) != 0))
      return Error(ErrorClass::refused,
                   "process " + std::to_string(process.id.value) +
                       " waits for a process that it has made to start a program (vfork)")
          .hint("if it was only just starting a program, try again");
  }
  return look;
}

Result<> FrozenApplication::seize(FrozenProcess& process, const Look& look) {
  for (const ThreadLook& thread : look) {
    if (proc::has_ended(thread.status))
      process.leader_exited |= thread.tid == process.pid;
    else if (tracer_of(thread.status) == 0)
      TRY(seize_thread(process, thread));
  }
  return {};
}

Result<> FrozenApplication::seize_thread(FrozenProcess& process, const ThreadLook& thread) {
  const HostPid tid = thread.tid;
  const VirtualPid id{proc::id_inside(thread.status, "NSpid")};
  const VirtualPid own_id{proc::innermost(thread.status, "NSpid")};
  if (thread.waits_for_start) {
    process.threads.push_back({id, own_id, Tracee::not_held(tid), {}, {}, {}});
    return {};
  }
  Result<Tracee> seized = Tracee::seize(tid, kOptions | kSuspendSeccomp);
  if (!seized && seized.error().err() == EPERM) seized = Tracee::seize(tid, kOptions);
  process.threads.push_back({id, own_id, TRY(std::move(seized)), {}, {}, {}});
  return process.threads.back().tracee.interrupt();
}

Result<> FrozenApplication::hold(FrozenProcess& process, Deadline deadline) {
  for (FrozenThread& thread : process.threads) {
    if (!thread.tracee.is_held()) continue;
    StopStatus stop = TRY(thread.tracee.wait_stop(deadline));
    if (stop.group_stopped()) process.stop_signal = stop.signal();
    // What we ask of it would be its handler's to answer.
    if (thread.tracee.dispatches_calls())
      return Error(ErrorClass::refused, "its thread " + std::to_string(thread.id.value) +
                                            " handles its own system calls "
                                            "(PR_SET_SYSCALL_USER_DISPATCH)")
          .hint("let it end that first");
    TRY(make_again_if_frozen_in(thread.tracee));
  }
  return {};
}

Result<> FrozenApplication::resume() {
  if (cgroup_ == nullptr) return {};
  Result<> bound = bind_traced();
  const Cgroup& cgroup = *std::exchange(cgroup_, nullptr);
  Result<> frozen = cgroup.begin_freeze();
  let_go();  // each thread goes from its stop into the frozen state
  TRY(cgroup.thaw());
  turns_.reset();
  TRY(std::move(bound));
  return frozen;
}

// A tracer works for us while those that it traces stand frozen, and so is not one of them; and in
// one process one thread works.
Result<> FrozenApplication::refuse_tangled_tracing(const Looks& looks) const {
  std::map<pid_t, size_t> untraced;  // threads, and which process each is of
  std::set<size_t> traced;
  for (size_t i = 0; i < looks.size(); ++i)
    for (const ThreadLook& look : looks[i]) {
      if (tracer_of(look.status) != 0)
        traced.insert(i);
      else if (!proc::field(look.status, "State").starts_with('T') && !look.waits_for_start)
        untraced.emplace(look.tid.value, i);
    }
  std::map<size_t, pid_t> tracers;
  for (const size_t i : traced) {
    const std::string words =
        "process " + std::to_string(processes_[i].id.value) + " is traced by ";
    for (const ThreadLook& look : looks[i]) {
      const pid_t tracer = tracer_of(look.status);
      if (tracer == 0) continue;
      if (proc::has_ended(look.status))
        return cannot_trace(words + "another, and one of its threads has ended");
      auto process = untraced.find(tracer);
      if (process == untraced.end())
        return cannot_trace(words + "process " + std::to_string(tracer) +
                            " (of this machine), which is not of the application, or is traced or "
                            "stopped itself");
      if (traced.contains(process->second))
        return cannot_trace(words + "a process of which a thread is traced itself");
      if (tracers.try_emplace(process->second, tracer).first->second != tracer)
        return cannot_trace(words + "a process in which several threads trace others");
    }
  }
  return {};
}

// By their tracers, whom we hold. Nothing of that is told to anyone.
Result<> FrozenApplication::loosen_traced(const Looks& looks, std::optional<KernelLayout>* layout,
                                          Deadline deadline) {
  struct Place {
    FrozenProcess* process;
    size_t index;  // among its threads
  };
  std::vector<Place> places;
  std::vector<VirtualPid> own_ids;
  std::vector<TracedThread> traced;
  std::list<TracerThread> tracers;
  for (size_t i = 0; i < looks.size(); ++i) {
    size_t index = 0;
    for (const ThreadLook& look : looks[i]) {
      if (proc::has_ended(look.status)) continue;
      if (const pid_t tracer = tracer_of(look.status); tracer != 0) {
        tracers.push_back(TRY(tracer_among(processes_, [&](const FrozenThread& thread) {
          return thread.tracee.tid().value == tracer;
        })));
        traced.push_back({processes_[i].pid, look.tid,
                          VirtualPid{proc::id_inside(look.status, "NSpid")},
                          TRY(address_in(processes_[i].dir)), &tracers.back()});
        own_ids.push_back(VirtualPid{proc::innermost(look.status, "NSpid")});
        places.push_back({&processes_[i], index});
      }
      ++index;
    }
  }
  if (traced.empty()) return {};
  std::vector<LooseThread> loose;
  Result<> loosened = loosen(traced, *cgroup_, kOptions | kSuspendSeccomp, layout, deadline, loose);
  for (size_t i = 0; i < loose.size(); ++i) {
    auto& threads = places[i].process->threads;
    threads.insert(threads.begin() + static_cast<std::ptrdiff_t>(places[i].index),
                   {traced[i].id, own_ids[i], std::move(loose[i].thread), {}, {}, loose[i].state});
    if (loosened && !loose[i].state.reported)
      loosened = make_again_if_frozen_in(threads[places[i].index].tracee);
  }
  return loosened;
}

Result<> FrozenApplication::bind_traced() {
  std::vector<ThreadToBind> all;
  std::list<TracerThread> tracers;
  for (FrozenProcess& process : processes_)
    for (FrozenThread& thread : process.threads) {
      if (!thread.traced) continue;
      tracers.push_back(TRY(tracer_among(processes_, [&](const FrozenThread& other) {
        return other.id.value == thread.traced->tracer.value;
      })));
      all.push_back({&thread.tracee, process.pid, thread.id, &*thread.traced, &tracers.back()});
    }
  return all.empty() ? Result<>() : bind_again(all, *cgroup_, Deadline::in(kBindMax));
}

// The first thread of a process last: it can be reaped only when the others have been.
void FrozenApplication::let_go() {
  for (FrozenProcess& process : processes_)
    while (!process.threads.empty()) process.threads.pop_back();
  processes_.clear();
}

// In whatever order they end: the last thread of the first process of a pid namespace does so when
// everybody else there has been reaped, and which thread that is nobody knows.
void FrozenApplication::reap_all(Deadline deadline) {
  auto drop_ended = [](FrozenProcess& process) {
    std::erase_if(process.threads, [](FrozenThread& thread) { return thread.tracee.has_ended(); });
    return process.threads.empty();
  };
  for (;;) {
    std::erase_if(processes_, drop_ended);
    if (processes_.empty() || deadline.passed()) return;
    wait_for_news(deadline);
  }
}

Result<> FrozenApplication::kill() {
  if (cgroup_ == nullptr) return {};
  const Cgroup& cgroup = *std::exchange(cgroup_, nullptr);
  Result<> killed = cgroup.kill_all();
  reap_all(Deadline::in(kEndMax));
  let_go();
  TRY(cgroup.thaw());
  return killed;
}

}  // namespace appshot
