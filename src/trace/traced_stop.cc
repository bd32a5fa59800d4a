#include "trace/traced_stop.h"

#include <chrono>
#include <string>
#include <thread>

#include "os/proc/process_dir.h"

namespace appshot {
namespace {

constexpr std::chrono::microseconds kBetweenLooks{50};

}  // namespace

Result<bool> is_in_traced_stop(HostPid process, HostPid tid) {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(process));
  return TRY(dir.stat_of_thread(tid)).state == 't';
}

Result<> wait_for_traced_stop(HostPid process, HostPid tid, Deadline deadline) {
  while (!TRY(is_in_traced_stop(process, tid))) {
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "thread " + std::to_string(tid.value) + " does not stop for its tracer in time");
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return {};
}

}  // namespace appshot
