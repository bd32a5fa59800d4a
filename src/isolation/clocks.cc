#include "isolation/clocks.h"

#include <fcntl.h>
#include <sched.h>

#include <sstream>
#include <string>

#include "os/file.h"

namespace appshot {
namespace {

constexpr long kSecond = 1'000'000'000;

timespec difference(const timespec& a, const timespec& b) {
  timespec d{a.tv_sec - b.tv_sec, a.tv_nsec - b.tv_nsec};
  if (d.tv_nsec < 0) {
    d.tv_nsec += kSecond;
    d.tv_sec -= 1;
  }
  return d;
}

}  // namespace

Clocks clocks_now() {
  Clocks clocks;
  ::clock_gettime(CLOCK_MONOTONIC, &clocks.monotonic);
  ::clock_gettime(CLOCK_BOOTTIME, &clocks.boottime);
  return clocks;
}

// Offsets are those of the process; a reader outside of its namespace sees them there.
Result<Clocks> clocks_of(HostPid process) {
  std::istringstream offsets(
      TRY(read_record_at(AT_FDCWD, "/proc/" + std::to_string(process.value) + "/timens_offsets")));
  Clocks clocks = clocks_now();
  std::string which;
  long sec = 0, nsec = 0;
  while (offsets >> which >> sec >> nsec) {
    timespec& clock = which == "monotonic" ? clocks.monotonic : clocks.boottime;
    clock.tv_sec += sec;
    clock.tv_nsec += nsec;
    if (clock.tv_nsec >= kSecond) {
      clock.tv_nsec -= kSecond;
      clock.tv_sec += 1;
    }
  }
  return clocks;
}

Result<> enter_time_namespace_for_children(const Clocks& start) {
  TRY_SYS(::unshare(CLONE_NEWTIME));
  Clocks now = clocks_now();
  timespec monotonic = difference(start.monotonic, now.monotonic);
  timespec boottime = difference(start.boottime, now.boottime);
  // The kernel takes the lines in one write, and only before anyone is inside.
  std::string offsets = "monotonic " + std::to_string(monotonic.tv_sec) + " " +
                        std::to_string(monotonic.tv_nsec) + "\nboottime " +
                        std::to_string(boottime.tv_sec) + " " + std::to_string(boottime.tv_nsec) +
                        "\n";
  return write_file("/proc/self/timens_offsets", offsets);
}

}  // namespace appshot
