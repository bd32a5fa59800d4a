#include "resources/timerfd/timerfd.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cstdio>

namespace appshot::timerfds {
namespace {

constexpr unsigned long kSetTicks = _IOW('T', 0, uint64_t);
constexpr long kSecond = 1'000'000'000;

std::unique_ptr<image::Time> pair_of(const proc::Fields& fields, const char* key) {
  long sec = 0, nsec = 0;
  std::sscanf(proc::field(fields, key).c_str(), "(%ld, %ld)", &sec, &nsec);
  return std::make_unique<image::Time>(sec, nsec);
}

bool is_zero(const image::Time& t) { return t.sec() == 0 && t.nsec() == 0; }

}  // namespace

bool Timerfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[timerfd]";
}

Result<image::FileKindUnion> Timerfd::capture(CaptureContext&, const DescriptorRef& ref) const {
  const proc::Fields& fields = ref.descriptor.fields;
  image::TimerfdT timer;
  timer.clock = static_cast<int>(proc::field_number(fields, "clockid"));
  timer.ticks = proc::field_number(fields, "ticks");
  timer.settime_flags = static_cast<int>(proc::field_number(fields, "settime flags", 8));
  timer.value = pair_of(fields, "it_value");
  timer.interval = pair_of(fields, "it_interval");
  if (timer.clock == CLOCK_REALTIME && (timer.settime_flags & TFD_TIMER_ABSTIME) != 0 &&
      !is_zero(*timer.value)) {
    // Set to a time of day: that is what it stays set to, however long the application sleeps.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    long nsec = now.tv_nsec + timer.value->nsec();
    *timer.value = image::Time(now.tv_sec + timer.value->sec() + nsec / kSecond, nsec % kSecond);
  } else {
    timer.settime_flags &= ~TFD_TIMER_ABSTIME;
  }
  image::FileKindUnion kind;
  kind.Set(std::move(timer));
  return kind;
}

Result<UniqueFd> Timerfd::reopen(RestoreContext&, const image::OpenFileT& file) const {
  const image::TimerfdT& timer = *file.kind.AsTimerfd();
  UniqueFd fd(TRY_SYS(::timerfd_create(timer.clock, TFD_CLOEXEC)));
  // One that has expired and was not read stands still until it is: set going again at its pace.
  bool stands_still = is_zero(*timer.value) && !is_zero(*timer.interval);
  const image::Time& first = stands_still ? *timer.interval : *timer.value;
  itimerspec value{{timer.interval->sec(), timer.interval->nsec()}, {first.sec(), first.nsec()}};
  if (!is_zero(first)) TRY_SYS(::timerfd_settime(fd.get(), timer.settime_flags, &value, nullptr));
  if (timer.ticks != 0) TRY_SYS(::ioctl(fd.get(), kSetTicks, &timer.ticks));
  TRY_SYS(::fcntl(fd.get(), F_SETFL, file.flags & O_NONBLOCK));
  return fd;
}

}  // namespace appshot::timerfds
