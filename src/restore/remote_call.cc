#include "restore/remote_call.h"

#include "trace/call_registers.h"

namespace appshot {

namespace {

Result<> wait_for_call(Tracee& thread, Deadline deadline) {
  StopStatus stop = TRY(thread.wait_stop(deadline));
  if (stop.syscall()) return {};
  return Error(ErrorClass::other, "a restored thread stopped by signal " +
                                      std::to_string(stop.signal()) + " in one of its last steps");
}

}  // namespace

Result<int64_t> remote_call(Tracee& thread, const Zone& zone, long number,
                            const CallArguments& args, Deadline deadline) {
  TRY(begin_remote_call(thread, zone, number, args));
  TRY(enter_remote_call(thread, deadline));
  return end_remote_call(thread, deadline);
}

Result<> begin_remote_call(Tracee& thread, const Zone& zone, long number,
                           const CallArguments& args) {
  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(
      registers_for_call(TRY(thread.registers()), zone.syscall_instruction(), number, args)));
  return thread.resume_to_syscall();
}

Result<> enter_remote_call(Tracee& thread, Deadline deadline) {
  TRY(wait_for_call(thread, deadline));
  return thread.resume_to_syscall();
}

Result<int64_t> end_remote_call(Tracee& thread, Deadline deadline) {
  TRY(wait_for_call(thread, deadline));
  return static_cast<int64_t>(TRY(thread.registers()).rax);
}

}  // namespace appshot
