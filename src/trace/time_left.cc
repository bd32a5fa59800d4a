#include "trace/time_left.h"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <sstream>

#include "os/restart.h"
#include "trace/group_stops.h"
#include "trace/own_timer.h"
#include "trace/remote_memory.h"

namespace appshot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Each thread is looked at once. Who cannot be told apart then is looked at again as long as this
// holds for all together; a call of which the end stays unknown waits its whole time again.
constexpr std::chrono::milliseconds kLookMax{500};
constexpr int kLooksMax = 8;
constexpr uint64_t kClockIdsMax = 64;
constexpr uint64_t kAddressMin = 4096;

TimedCall call_of(const user_regs_struct& r, long number) {
  return {number, {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9}};
}

// Of a thread that sleeps in restart_syscall, which has forgotten what it restarts. Lines are
// "[<0>] do_sys_poll+0x400/0x590"; the kernel leaves out its functions for sleeping as such, and so
// all of a plain sleep.
TimedCall call_of_stack(const user_regs_struct& r, const std::string& stack) {
  auto has = [&](const char* function) { return stack.find(function) != std::string::npos; };
  if (has("do_sys_poll")) return call_of(r, SYS_poll);
  if (has("futex_")) return call_of(r, SYS_futex);
  // On a clock of processor time, or one that wakes the machine.
  if (has("cpu_nsleep") || has("cpu_nanosleep") || has("alarmtimer_"))
    return call_of(r, SYS_clock_nanosleep);
  if (!has("do_syscall_64")) return {};  // it had just been woken
  std::istringstream lines(stack);
  for (std::string line; std::getline(lines, line);)
    if (line.find("syscall") == line.npos && line.find("SYSCALL") == line.npos &&
        line.find("hrtimer_nanosleep") == line.npos)
      return {};
  // The one takes a clock where the other takes an address.
  const bool names_clock = r.rdi < kClockIdsMax;
  const uint64_t remainder = names_clock ? r.r10 : r.rsi;
  if (remainder != 0 && remainder < kAddressMin) return {};
  return call_of(r, names_clock ? SYS_clock_nanosleep : SYS_nanosleep);
}

bool interrupted(const user_regs_struct& registers) {
  return static_cast<int64_t>(registers.orig_rax) >= 0 &&
         static_cast<int64_t>(registers.rax) == -kErestartRestartblock;
}

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

// One thread that is let go on with its call, and stopped in it again.
class Restarted {
 public:
  Restarted(const proc::ProcessDir& dir, Tracee& thread, Deadline deadline)
      : thread_(thread),
        folder_("task/" + std::to_string(thread.tid().value) + "/"),
        dir_(dir),
        deadline_(deadline) {}

  // False: the call has ended instead of going on.
  Result<bool> sleep() {
    TRY(thread_.resume_to_syscall());
    TRY(expect_call(TRY(wait_past_group_stops(thread_, &Tracee::resume_to_syscall, deadline_))));
    TRY(thread_.resume_to_syscall());
    while (!deadline_.passed()) {
      if (std::optional<StopStatus> stop = TRY(thread_.try_wait_stop())) {
        TRY(expect_call(*stop));
        return false;
      }
      // Looking at it waits until a thread that is about to sleep does so.
      std::string call = TRY(dir_.read(folder_ + "syscall"));
      if (call[0] >= '0' && call[0] <= '9') return true;
    }
    return Error(ErrorClass::timeout, "a thread does not go on with its system call");
  }

  Result<std::string> stack() { return dir_.read(folder_ + "stack"); }

  // Back to where it was, or to the end of the call.
  Result<> stop(bool sleeps) {
    if (sleeps) {
      TRY(thread_.interrupt());
      TRY(expect_call(TRY(thread_.wait_stop(deadline_))));
    }
    TRY(thread_.interrupt());  // any stop, as that at the end of the call, uses it up
    TRY(thread_.resume());
    StopStatus stop = TRY(thread_.wait_stop(deadline_));
    if (stop.interrupted() || stop.group_stopped()) return {};
    return unexpected(stop);
  }

 private:
  static Error unexpected(const StopStatus& stop) {
    return Error(ErrorClass::other, "a thread stopped by signal " + std::to_string(stop.signal()) +
                                        " while it went on with its system call");
  }
  static Result<> expect_call(const StopStatus& stop) {
    return stop.syscall() ? Result<>() : unexpected(stop);
  }

  Tracee& thread_;
  std::string folder_;
  const proc::ProcessDir& dir_;
  Deadline deadline_;
};

class TimeLeft {
 public:
  explicit TimeLeft(Deadline deadline)
      : deadline_(deadline), give_up_(Deadline::in(kLookMax)), frozen_ns_(now_ns()) {}

  Result<> look_at(FrozenProcess& process, FrozenThread& thread) {
    const user_regs_struct registers = TRY(thread.tracee.registers());
    if (!interrupted(registers)) return {};
    const bool forgotten = registers.orig_rax == SYS_restart_syscall;
    TimedCall call = call_of(registers, static_cast<long>(registers.orig_rax));
    if (!forgotten) {
      if (!call.is_known()) return {};
      thread.call = call;
      if (!call.is_relative() || TRY(told(process, call, thread.end_ns)) || !call.has_own_timer())
        return {};
    }
    // No signal may come in between: it would be for the application.
    const uint64_t mask = TRY(thread.tracee.blocked_signals());
    TRY(thread.tracee.block_signals(~0ULL));
    Result<> found = let_sleep(process, thread, registers);
    if (thread.tracee.tid().value != 0) TRY(thread.tracee.block_signals(mask));
    return found;
  }

 private:
  // The freeze has interrupted it, and the kernel has written what was left then.
  Result<bool> told(const FrozenProcess& process, const TimedCall& call,
                    std::optional<int64_t>& end_ns) {
    if (call.remainder() == 0) return false;
    timespec left{};
    RemoteMemory memory = TRY(RemoteMemory::open(process.dir.pid()));
    TRY(memory.read(call.remainder(), {reinterpret_cast<char*>(&left), sizeof left}));
    end_ns = frozen_ns_ + left.tv_sec * kSecond + left.tv_nsec;
    return true;
  }

  // Until both are known: which call it is, without which it could not go on at all, and when it
  // ends, without which it would only wait longer.
  Result<> let_sleep(FrozenProcess& process, FrozenThread& thread,
                     const user_regs_struct& registers) {
    const bool forgotten = !thread.call;
    Restarted restarted(process.dir, thread.tracee, deadline_);
    OwnTimer timer;
    if (!awake_) awake_ = timers();
    if (awake_) timer.awake(*awake_);
    for (int looks = 1;; ++looks) {
      const bool sleeps = TRY(restarted.sleep());
      if (sleeps) {
        if (forgotten) remember(thread, call_of_stack(registers, TRY(restarted.stack())));
        std::optional<proc::Wakeups> with = timers();
        if (with && thread.call && thread.call->has_own_timer())
          timer.asleep(*with, thread.call->is_sleep());
      }
      TRY(restarted.stop(sleeps));
      if (!interrupted(TRY(thread.tracee.registers()))) {
        thread.call.reset();  // it has its result now, and waits for nothing
        return {};
      }
      awake_ = timers();
      if (awake_) timer.awake(*awake_);
      const std::optional<int64_t> expires_ns = timer.found();
      if (expires_ns) thread.end_ns = *expires_ns + clock_offset_ns_.value_or(0);
      // A sleep is told by what is not on the stack: one look, without its timer, is too little.
      const bool is_call_sure = thread.call && (!forgotten || !thread.call->is_sleep() ||
                                                expires_ns || looks >= kLooksMax);
      const bool enough = expires_ns || !awake_ || looks >= kLooksMax || give_up_.passed();
      if (is_call_sure && enough) return {};
      if (deadline_.passed())
        return Error(ErrorClass::timeout, "it cannot be told in which system call it waits")
            .hint("try again when the machine is less busy");
    }
  }

  // What was seen when it slept stands; in a moment of waking nothing can be seen.
  static void remember(FrozenThread& thread, const TimedCall& seen) {
    if (seen.is_known()) thread.call = seen;
  }

  // None where the file is not there or not for us to read.
  std::optional<proc::Wakeups> timers() {
    Result<proc::Wakeups> wakeups = proc::wakeups();
    if (!wakeups) return std::nullopt;
    // The offset is the same each time; what comes on top is how long the reading took.
    const int64_t at_most = now_ns() - wakeups->now_ns;
    clock_offset_ns_ = std::min(clock_offset_ns_.value_or(at_most), at_most);
    return std::move(wakeups).value();
  }

  Deadline deadline_, give_up_;
  int64_t frozen_ns_;
  std::optional<int64_t> clock_offset_ns_;  // of our clock, should we be in a time namespace
  std::optional<proc::Wakeups> awake_;      // with all threads at rest, when looked at last
};

}  // namespace

Result<> find_time_left(FrozenApplication& frozen, Deadline deadline) {
  TimeLeft left(deadline);
  for (FrozenProcess& process : frozen.processes())
    for (FrozenThread& thread : process.threads)
      if (thread.tracee.is_held())
        TRY(left.look_at(process, thread)
                .within("thread " + std::to_string(thread.id.value) + " of process " +
                        std::to_string(process.id.value)));
  return {};
}

}  // namespace appshot
