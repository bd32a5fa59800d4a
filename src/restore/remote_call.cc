#include "restore/remote_call.h"

#include "trace/call_registers.h"

namespace appshot {

Result<int64_t> remote_call(Tracee& thread, const Zone& zone, long number,
                            const CallArguments& args, Deadline deadline) {
  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(
      registers_for_call(TRY(thread.registers()), zone.syscall_instruction(), number, args)));
  for (int stops = 0; stops < 2; ++stops) {
    TRY(thread.resume_to_syscall());
    StopStatus stop = TRY(thread.wait_stop(deadline));
    if (!stop.syscall())
      return Error(ErrorClass::other, "a restored thread stopped by signal " +
                                          std::to_string(stop.signal()) +
                                          " in one of its last steps");
  }
  return static_cast<int64_t>(TRY(thread.registers()).rax);
}

}  // namespace appshot
