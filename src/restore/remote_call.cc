#include "restore/remote_call.h"

namespace appshot {

Result<int64_t> remote_call(Tracee& thread, const Zone& zone, long number,
                            const CallArguments& args, Deadline deadline) {
  user_regs_struct registers = TRY(thread.registers());
  registers.rip = zone.syscall_instruction();
  registers.rax = static_cast<unsigned long long>(number);
  registers.orig_rax = static_cast<unsigned long long>(-1);
  registers.rdi = args[0];
  registers.rsi = args[1];
  registers.rdx = args[2];
  registers.r10 = args[3];
  registers.r8 = args[4];
  registers.r9 = args[5];
  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(registers));
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
