#include "trace/frozen_application.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "os/restart.h"

namespace appshot {
namespace {

// Stops of system calls must be told from SIGTRAPs, and filters of the application must not judge
// the calls we make in it. The latter needs CAP_SYS_ADMIN and a kernel built for it.
constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD;
constexpr std::chrono::microseconds kBetweenLooks{20};
constexpr unsigned long kSuspendSeccomp = PTRACE_O_SUSPEND_SECCOMP;

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

}  // namespace

Result<FrozenApplication> FrozenApplication::freeze(const Cgroup& cgroup, Afterwards afterwards,
                                                    Deadline deadline) {
  FrozenApplication frozen(cgroup);
  if (afterwards == Afterwards::runs_on) frozen.turns_ = std::make_unique<ShortTurns>();
  TRY(cgroup.freeze(deadline));
  // Who cannot be stopped is found before any is told to.
  std::vector<Look> looks;
  for (pid_t pid : TRY(cgroup.processes()))
    looks.push_back(
        TRY(frozen.look_at(HostPid{pid}, deadline).within("process " + std::to_string(pid))));
  // All are told to stop before the first is waited for.
  for (size_t i = 0; i < looks.size(); ++i)
    TRY(frozen.seize(frozen.processes_[i], looks[i])
            .within("process " + std::to_string(frozen.processes_[i].pid.value)));
  for (FrozenProcess& process : frozen.processes_)
    TRY(frozen.hold(process, deadline).within("process " + std::to_string(process.id.value)));
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

Result<FrozenApplication::Look> FrozenApplication::look_at(HostPid pid, Deadline deadline) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(pid));
  proc::Fields status = TRY(dir.status());
  const bool one_thread = proc::field_number(status, "Threads") == 1 && !proc::has_ended(status);
  processes_.push_back(
      {pid, VirtualPid{proc::innermost(status, "NStgid")}, std::move(dir), false, 0, {}});
  const FrozenProcess& process = processes_.back();
  Look look;
  if (one_thread) {
    look.push_back({pid, std::move(status)});
  } else {
    for (HostPid tid : TRY(process.dir.threads()))
      look.push_back({tid, TRY(process.dir.status_of_thread(tid))});
  }
  // A child that is held begins nothing, and its parent would never stop.
  for (ThreadLook& thread : look) {
    TRY(settle(process.dir, thread.tid, thread.status, deadline));
    if (TRY(process.dir.waits_for_start(thread.tid, thread.status)))
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
    else
      TRY(seize_thread(process, thread.tid, VirtualPid{proc::innermost(thread.status, "NSpid")}));
  }
  return {};
}

Result<> FrozenApplication::seize_thread(FrozenProcess& process, HostPid tid, VirtualPid id) {
  Result<Tracee> seized = Tracee::seize(tid, kOptions | kSuspendSeccomp);
  if (!seized && seized.error().err() == EPERM) {
    proc::Fields status = TRY(process.dir.status_of_thread(tid));
    uint64_t tracer = proc::field_number(status, "TracerPid");
    if (tracer != 0)
      return Error(ErrorClass::refused, "process " + std::to_string(process.id.value) +
                                            " is traced by process " + std::to_string(tracer))
          .hint("end the debugger or strace that is attached to it");
    seized = Tracee::seize(tid, kOptions);
  }
  process.threads.push_back({id, TRY(std::move(seized)), {}, {}});
  return process.threads.back().tracee.interrupt();
}

Result<> FrozenApplication::hold(FrozenProcess& process, Deadline deadline) {
  for (FrozenThread& thread : process.threads) {
    StopStatus stop = TRY(thread.tracee.wait_stop(deadline));
    if (stop.group_stopped()) process.stop_signal = stop.signal();
    TRY(make_again_if_frozen_in(thread.tracee));
  }
  return {};
}

Result<> FrozenApplication::resume() {
  if (cgroup_ == nullptr) return {};
  const Cgroup& cgroup = *std::exchange(cgroup_, nullptr);
  Result<> frozen = cgroup.begin_freeze();
  let_go();  // each thread goes from its stop into the frozen state
  TRY(cgroup.thaw());
  turns_.reset();
  return frozen;
}

// The first thread of a process last: it can be reaped only when the others have been.
void FrozenApplication::let_go() {
  for (FrozenProcess& process : processes_)
    while (!process.threads.empty()) process.threads.pop_back();
  processes_.clear();
}

Result<> FrozenApplication::kill() {
  if (cgroup_ == nullptr) return {};
  const Cgroup& cgroup = *std::exchange(cgroup_, nullptr);
  Result<> killed = cgroup.kill_all();
  let_go();
  TRY(cgroup.thaw());
  return killed;
}

}  // namespace appshot
