#include "restore/timed_call.h"

#include <time.h>

#include <algorithm>
#include <limits>

#include "os/timed_calls.h"
#include "trace/call_registers.h"

namespace appshot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMillisecond = 1'000'000;

// The same call for the time that is left. One that ends at a given moment, or of which nobody
// knows the end, is made with its own arguments.
Result<TimedCall> call_for_rest(const image::WaitingT& waiting, Zone& zone, int64_t now_ns) {
  TimedCall call{waiting.syscall, {}};
  std::copy_n(waiting.args.begin(), call.args.size(), call.args.begin());
  if (!call.is_known())
    return Error(ErrorClass::corrupt, "a thread waits in a call that is not known to be timed");
  if (!waiting.end || !call.is_relative()) return call;
  const int64_t left_ns =
      std::max<int64_t>(0, waiting.end->sec() * kSecond + waiting.end->nsec() - now_ns);
  if (call.number == SYS_poll) {
    const int64_t left_ms = (left_ns + kMillisecond - 1) / kMillisecond;
    call.args[2] =
        static_cast<uint64_t>(std::min<int64_t>(left_ms, std::numeric_limits<int32_t>::max()));
    return call;
  }
  const uint64_t left = zone.data().put(timespec{left_ns / kSecond, left_ns % kSecond});
  if (left == 0) return Error(ErrorClass::exhausted, "the restore zone is full");
  const size_t at = call.number == SYS_nanosleep ? 0 : call.number == SYS_clock_nanosleep ? 2 : 3;
  call.args[at] = left;
  return call;
}

Error stopped_otherwise(const StopStatus& stop) {
  return Error(ErrorClass::other, "a restored thread stopped by signal " +
                                      std::to_string(stop.signal()) + " in its timed call");
}

}  // namespace

Result<int64_t> begin_timed_call(Tracee& thread, const image::WaitingT& waiting, Zone& zone,
                                 int64_t now_ns, Deadline deadline) {
  const TimedCall call = TRY(call_for_rest(waiting, zone, now_ns));
  const auto& a = call.args;
  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(registers_for_call(TRY(thread.registers()), zone.syscall_instruction(),
                                              call.number,
                                              CallArguments(a[0], a[1], a[2], a[3], a[4], a[5]))));
  TRY(thread.resume_to_syscall());
  StopStatus entry = TRY(thread.wait_stop(deadline));
  if (!entry.syscall()) return stopped_otherwise(entry);
  // From here on it cannot sleep: it finds that it has been interrupted.
  TRY(thread.interrupt());
  TRY(thread.resume_to_syscall());
  StopStatus exit = TRY(thread.wait_stop(deadline));
  if (!exit.syscall()) return stopped_otherwise(exit);
  return static_cast<int64_t>(TRY(thread.registers()).rax);
}

}  // namespace appshot
