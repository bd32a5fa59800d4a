#include "resources/timers/overruns.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cstring>

namespace appshot::timers {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t nanoseconds(const image::Time& time) { return time.sec() * kSecond + time.nsec(); }
int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

siginfo_t info_of(const image::QueuedSignalT& signal) {
  siginfo_t info{};
  std::memcpy(&info, signal.info.data(), std::min(sizeof info, signal.info.size()));
  return info;
}

// Processor time cannot be set to a moment before a restored process began.
bool counts_time(const image::PosixTimerT& timer) {
  return timer.clock == CLOCK_REALTIME || timer.clock == CLOCK_MONOTONIC ||
         timer.clock == CLOCK_BOOTTIME || timer.clock == CLOCK_TAI;
}

bool can_be_asked(const image::ProcessT& process, const image::PosixTimerT& timer) {
  // A count that was told already (timer_getoverrun) would be lost by setting the timer.
  if (timer.notify != SIGEV_SIGNAL || !counts_time(timer) || nanoseconds(*timer.interval) == 0 ||
      timer.overrun != 0)
    return false;
  auto is_its_signal = [&](const auto& signal) {
    return info_of(*signal).si_signo == timer.signal;
  };
  const auto& own = process.threads.front()->pending;
  const auto& all = process.pending;
  if (std::any_of(own.begin(), own.end(), is_its_signal)) return false;
  if (std::count_if(all.begin(), all.end(), is_its_signal) != 1) return false;
  const siginfo_t info = info_of(**std::find_if(all.begin(), all.end(), is_its_signal));
  return info.si_code == SI_TIMER && info.si_timerid == timer.id;
}

}  // namespace

std::vector<OverrunQuestion> OverrunQuestion::all_of(image::ProcessT& process) {
  std::vector<OverrunQuestion> questions;
  for (const auto& timer : process.posix_timers)
    if (can_be_asked(process, *timer)) questions.push_back(OverrunQuestion(*timer));
  return questions;
}

void OverrunQuestion::ask(CallList& calls, DataSpace& data) {
  const uint64_t signals = data.put(uint64_t{1} << (timer_->signal - 1));
  info_ = data.reserve(sizeof(siginfo_t));
  value_ = data.reserve(sizeof(itimerspec));
  now_ = data.reserve(sizeof(timespec));
  const uint64_t at_once = data.put(timespec{0, 0});
  taken_ = calls.add_may_fail(SYS_rt_sigtimedwait, signals, info_, at_once, sizeof(uint64_t));
  valued_ = calls.add_may_fail(SYS_timer_gettime, timer_->id, value_);
  calls.add(SYS_clock_gettime, timer_->clock, now_);
}

Result<bool> OverrunQuestion::collect(const CallList& calls, const DataSpace& data) {
  // Set anew since it fired, a timer takes its signal back.
  if (calls.result(taken_) == -EAGAIN) return false;
  for (size_t call : {taken_, valued_})
    if (calls.result(call) < 0)
      return Error::from_errno(static_cast<int>(-calls.result(call)),
                               "taking the signal of timer " + std::to_string(timer_->id));
  siginfo_t info;
  itimerspec value;
  timespec now;
  std::memcpy(&info, data.here(info_), sizeof info);
  std::memcpy(&value, data.here(value_), sizeof value);
  std::memcpy(&now, data.here(now_), sizeof now);
  timer_->waiting_overrun = info.si_overrun;
  *timer_->value = image::Time(value.it_value.tv_sec, value.it_value.tv_nsec);
  now_ns_ = nanoseconds(now);
  return true;
}

void OverrunQuestion::send_again(CallList& calls, DataSpace& data) const {
  const int64_t first = first_expiry_ns(*timer_, now_ns_);
  const itimerspec value{{timer_->interval->sec(), timer_->interval->nsec()},
                         {first / kSecond, first % kSecond}};
  calls.add(SYS_timer_settime, timer_->id, TIMER_ABSTIME, data.put(value), 0);
}

int64_t first_expiry_ns(const image::PosixTimerT& timer, int64_t now_ns) {
  const int64_t next = now_ns + nanoseconds(*timer.value);
  const int64_t first = next - (timer.waiting_overrun + 1) * nanoseconds(*timer.interval);
  return std::max<int64_t>(first, 1);  // zero would stop it
}

void forget_signals_sent_again(image::ProcessT& process) {
  auto will_come = [&](const auto& signal) {
    const siginfo_t info = info_of(*signal);
    return info.si_code == SI_TIMER &&
           std::any_of(process.posix_timers.begin(), process.posix_timers.end(),
                       [&](const auto& timer) {
                         return timer->waiting_overrun >= 0 && timer->id == info.si_timerid;
                       });
  };
  std::erase_if(process.pending, will_come);
}

}  // namespace appshot::timers
