#include "isolation/clocks.h"

#include <fcntl.h>
#include <sched.h>

#include <sstream>
#include <string>

#include "os/file.h"

namespace appshot {
namespace {

constexpr long kSecond = 1'000'000'000;

timespec sum(const timespec& a, const timespec& b) {
  timespec s{a.tv_sec + b.tv_sec, a.tv_nsec + b.tv_nsec};
  if (s.tv_nsec >= kSecond) {
    s.tv_nsec -= kSecond;
    s.tv_sec += 1;
  }
  return s;
}

// The kernel takes the lines in one write, and only before anyone is inside.
Result<> set_offsets_of_children(const Clocks& offsets) {
  auto line = [](const char* clock, const timespec& time) {
    return std::string(clock) + " " + std::to_string(time.tv_sec) + " " +
           std::to_string(time.tv_nsec) + "\n";
  };
  return write_file("/proc/self/timens_offsets",
                    line("monotonic", offsets.monotonic) + line("boottime", offsets.boottime));
}

}  // namespace

timespec difference(const timespec& a, const timespec& b) {
  timespec d{a.tv_sec - b.tv_sec, a.tv_nsec - b.tv_nsec};
  if (d.tv_nsec < 0) {
    d.tv_nsec += kSecond;
    d.tv_sec -= 1;
  }
  return d;
}

Clocks clocks_now() {
  Clocks clocks;
  ::clock_gettime(CLOCK_MONOTONIC, &clocks.monotonic);
  ::clock_gettime(CLOCK_BOOTTIME, &clocks.boottime);
  return clocks;
}

// A reader outside of the process's namespace sees its offsets there.
Result<Clocks> clock_offsets_of(const std::string& process) {
  std::istringstream lines(TRY(read_record_at(AT_FDCWD, "/proc/" + process + "/timens_offsets")));
  Clocks offsets;
  std::string which;
  timespec ahead{};
  while (lines >> which >> ahead.tv_sec >> ahead.tv_nsec)
    (which == "monotonic" ? offsets.monotonic : offsets.boottime) = ahead;
  return offsets;
}

Result<Clocks> clocks_of(HostPid process) {
  const Clocks offsets = TRY(clock_offsets_of(std::to_string(process.value)));
  const Clocks now = clocks_now();
  return Clocks{sum(now.monotonic, offsets.monotonic), sum(now.boottime, offsets.boottime)};
}

Result<> enter_time_namespace_for_children(const Clocks& start) {
  TRY_SYS(::unshare(CLONE_NEWTIME));
  const Clocks now = clocks_now();
  return set_offsets_of_children(
      {difference(start.monotonic, now.monotonic), difference(start.boottime, now.boottime)});
}

Result<> enter_time_namespace_ahead(const Clocks& ahead) {
  const Clocks own = TRY(clock_offsets_of("self"));
  TRY_SYS(::unshare(CLONE_NEWTIME));
  return set_offsets_of_children(
      {sum(own.monotonic, ahead.monotonic), sum(own.boottime, ahead.boottime)});
}

}  // namespace appshot
