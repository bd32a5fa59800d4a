// The registers with which a stopped thread makes a system call of ours.
#pragma once

#include <sys/user.h>

#include "trace/call_list.h"

namespace appshot {

// `at`: the address of a `syscall` instruction in the thread's own memory.
inline user_regs_struct registers_for_call(user_regs_struct registers, uint64_t at, long number,
                                           const CallArguments& args) {
  registers.rip = at;
  registers.rax = static_cast<unsigned long long>(number);
  registers.orig_rax = static_cast<unsigned long long>(-1);  // nothing for the kernel to restart
  registers.rdi = args[0];
  registers.rsi = args[1];
  registers.rdx = args[2];
  registers.r10 = args[3];
  registers.r8 = args[4];
  registers.r9 = args[5];
  return registers;
}

}  // namespace appshot
