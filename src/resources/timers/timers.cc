#include "resources/timers/timers.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "os/proc/process_dir.h"
#include "resources/timers/overruns.h"

namespace appshot::timers {
namespace {

constexpr int kIntervalTimers = 3;
constexpr int64_t kSecond = 1'000'000'000;
// Gives a timer the id that is asked for (6.15); before, ids can only be counted up to.
constexpr int kPrTimerCreateRestoreIds = 77;

image::Time to_time(const timespec& t) { return image::Time(t.tv_sec, t.tv_nsec); }
bool is_zero(const image::Time& t) { return t.sec() == 0 && t.nsec() == 0; }

}  // namespace

// Records of lines "ID: 0", "signal: 14/00000…", "notify: signal/pid.41", "ClockID: 1".
std::vector<image::PosixTimerT> parse_posix_timers(std::string_view text) {
  std::vector<image::PosixTimerT> timers;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    int id = 0, clock = 0, signal = 0, tid = 0;
    unsigned long value = 0;
    char how[16] = {}, whom[16] = {};
    if (std::sscanf(line.c_str(), "ID: %d", &id) == 1) {
      timers.emplace_back();
      timers.back().id = id;
    } else if (timers.empty()) {
      continue;
    } else if (std::sscanf(line.c_str(), "signal: %d/%lx", &signal, &value) == 2) {
      timers.back().signal = signal;
      timers.back().sigev_value = value;
    } else if (std::sscanf(line.c_str(), "notify: %15[^/]/%15[^.].%d", how, whom, &tid) == 3) {
      int notify = std::strcmp(how, "signal") == 0 ? SIGEV_SIGNAL
                   : std::strcmp(how, "none") == 0 ? SIGEV_NONE
                                                   : SIGEV_THREAD;
      timers.back().notify = notify | (std::strcmp(whom, "tid") == 0 ? SIGEV_THREAD_ID : 0);
      timers.back().thread = tid;
    } else if (std::sscanf(line.c_str(), "ClockID: %d", &clock) == 1) {
      timers.back().clock = clock;
    }
  }
  return timers;
}

void Questions::ask(const std::vector<image::PosixTimerT>& posix, CallList& calls,
                    DataSpace& data) {
  interval_ = data.reserve(kIntervalTimers * sizeof(itimerval));
  for (int which = 0; which < kIntervalTimers; ++which)
    calls.add(SYS_getitimer, which, interval_ + static_cast<size_t>(which) * sizeof(itimerval));
  for (const image::PosixTimerT& timer : posix) {
    Posix question{timer, data.reserve(sizeof(itimerspec)), 0, 0};
    question.gettime_call = calls.add(SYS_timer_gettime, timer.id, question.value);
    question.overrun_call = calls.add_may_fail(SYS_timer_getoverrun, timer.id);
    posix_.push_back(std::move(question));
  }
}

Result<> Questions::collect(const CallList& calls, const DataSpace& data,
                            image::ProcessT& process) const {
  for (int which = 0; which < kIntervalTimers; ++which) {
    itimerval timer;
    std::memcpy(&timer, data.here(interval_ + static_cast<size_t>(which) * sizeof timer),
                sizeof timer);
    process.interval_timers.emplace_back(
        image::Time(timer.it_value.tv_sec, timer.it_value.tv_usec * 1000),
        image::Time(timer.it_interval.tv_sec, timer.it_interval.tv_usec * 1000));
  }
  for (const Posix& question : posix_) {
    if (calls.result(question.gettime_call) < 0)
      return Error::from_errno(static_cast<int>(-calls.result(question.gettime_call)),
                               "timer_gettime of timer " + std::to_string(question.timer.id));
    itimerspec value;
    std::memcpy(&value, data.here(question.value), sizeof value);
    auto timer = std::make_unique<image::PosixTimerT>();
    timer->id = question.timer.id;
    timer->clock = question.timer.clock;
    timer->notify = question.timer.notify;
    timer->signal = question.timer.signal;
    timer->thread = question.timer.thread;
    timer->sigev_value = question.timer.sigev_value;
    timer->overrun = static_cast<int>(calls.result(question.overrun_call));
    timer->value = std::make_unique<image::Time>(to_time(value.it_value));
    timer->interval = std::make_unique<image::Time>(to_time(value.it_interval));
    process.posix_timers.push_back(std::move(timer));
  }
  return {};
}

void plan_create(const PidSpaces& spaces, const image::ProcessT& process, CallList& calls,
                 DataSpace& data) {
  if (process.posix_timers.empty()) return;
  calls.add(SYS_prctl, kPrTimerCreateRestoreIds, 1, 0, 0, 0);
  for (const auto& timer : process.posix_timers) {
    sigevent event{};
    event.sigev_notify = timer->notify;
    event.sigev_signo = timer->signal;
    event.sigev_value.sival_ptr = reinterpret_cast<void*>(timer->sigev_value);
    event._sigev_un._tid = spaces.seen_by(process, timer->thread);
    calls.add(SYS_timer_create, timer->clock, data.put(event), data.put(timer->id));
  }
  calls.add(SYS_prctl, kPrTimerCreateRestoreIds, 0, 0, 0, 0);
}

namespace {

// What the timer's clock shows when the application goes on.
int64_t clock_ns(const image::ImageT& image, int clock) {
  if (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME) {
    const image::Time& time =
        clock == CLOCK_MONOTONIC ? *image.clock_monotonic : *image.clock_boottime;
    return time.sec() * kSecond + time.nsec();
  }
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void plan_set_posix(const image::ImageT& image, const image::PosixTimerT& timer, CallList& calls,
                    DataSpace& data) {
  itimerspec value{{timer.interval->sec(), timer.interval->nsec()},
                   {timer.value->sec(), timer.value->nsec()}};
  if (timer.waiting_overrun >= 0) {
    const int64_t first = first_expiry_ns(timer, clock_ns(image, timer.clock));
    value.it_value = {first / kSecond, first % kSecond};
    calls.add(SYS_timer_settime, timer.id, TIMER_ABSTIME, data.put(value), 0);
  } else if (!is_zero(*timer.value)) {
    calls.add(SYS_timer_settime, timer.id, 0, data.put(value), 0);
  }
}

}  // namespace

void plan_set(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
              DataSpace& data) {
  for (int which = 0; which < kIntervalTimers; ++which) {
    const image::IntervalTimer& timer = process.interval_timers[static_cast<size_t>(which)];
    // One that has fired stands still until its signal is taken: it is set going again at its pace.
    const image::Time& first = is_zero(timer.value()) ? timer.interval() : timer.value();
    if (is_zero(first)) continue;
    itimerval value{{timer.interval().sec(), timer.interval().nsec() / 1000},
                    {first.sec(), first.nsec() / 1000}};
    calls.add(SYS_setitimer, which, data.put(value), 0);
  }
  for (const auto& timer : process.posix_timers) plan_set_posix(image, *timer, calls, data);
}

}  // namespace appshot::timers
