#include "resources/timers/fired_meanwhile.h"

#include <signal.h>

#include <algorithm>
#include <cstring>

namespace appshot::timers {
namespace {

// Longer than anybody is held between the two looks, shorter than any period that matters for it.
constexpr int64_t kBetweenMaxNs = 100'000'000;
// In the order of ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
constexpr int kIntervalSignals[] = {SIGALRM, SIGVTALRM, SIGPROF};

void add(const image::QueuedSignalT& signal, FiredTimers& fired) {
  siginfo_t info{};
  std::memcpy(&info, signal.info.data(), std::min(sizeof info, signal.info.size()));
  if (info.si_code == SI_TIMER) fired.posix.insert(info.si_timerid);
  if (info.si_code != SI_KERNEL) return;
  for (int number : kIntervalSignals)
    if (info.si_signo == number) fired.interval.insert(number);
}

int64_t nanoseconds(const image::Time& time) { return time.sec() * 1'000'000'000 + time.nsec(); }

// How it stands now that it has fired, if it was asked just before that.
image::Time after_firing(const image::Time& value, const image::Time& interval) {
  int64_t left = nanoseconds(value);
  if (left == 0 || left > kBetweenMaxNs) return value;
  if (nanoseconds(interval) == 0) return image::Time(0, 0);
  int64_t next = left + nanoseconds(interval);
  return image::Time(next / 1'000'000'000, next % 1'000'000'000);
}

}  // namespace

FiredTimers FiredTimers::among(const image::ProcessT& process) {
  FiredTimers fired;
  for (const auto& signal : process.pending) add(*signal, fired);
  for (const auto& thread : process.threads)
    for (const auto& signal : thread->pending) add(*signal, fired);
  return fired;
}

void settle_fired(image::ProcessT& process, const FiredTimers& before) {
  FiredTimers now = FiredTimers::among(process);
  for (auto& timer : process.posix_timers)
    if (now.posix.count(timer->id) > before.posix.count(timer->id))
      timer->value = std::make_unique<image::Time>(after_firing(*timer->value, *timer->interval));
  for (size_t i = 0; i < std::size(kIntervalSignals) && i < process.interval_timers.size(); ++i) {
    image::IntervalTimer& timer = process.interval_timers[i];
    if (now.interval.count(kIntervalSignals[i]) > before.interval.count(kIntervalSignals[i]))
      timer = image::IntervalTimer(after_firing(timer.value(), timer.interval()), timer.interval());
  }
}

}  // namespace appshot::timers
