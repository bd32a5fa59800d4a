#include "trace/return_path.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "os/restart.h"

namespace appshot {
namespace {

// movabs $value, %reg; number is the register's in the instruction set.
void move_to_register(std::vector<char>& code, int number, uint64_t value) {
  code.push_back(static_cast<char>(number < 8 ? 0x48 : 0x49));
  code.push_back(static_cast<char>(0xb8 + (number & 7)));
  const char* bytes = reinterpret_cast<const char*>(&value);
  code.insert(code.end(), bytes, bytes + sizeof value);
}

}  // namespace

user_regs_struct registers_to_return_to(const user_regs_struct& stopped) {
  user_regs_struct registers = stopped;
  auto result = static_cast<int64_t>(stopped.rax);
  if (static_cast<int64_t>(stopped.orig_rax) < 0 || !is_restart(result)) return registers;
  // The time that was left is kept only by the kernel's own restart; a bare call knows nothing of
  // it, so the program is told EINTR there, as after any signal.
  if (result == -kErestartRestartblock) {
    registers.rax = static_cast<uint64_t>(-EINTR);
    return registers;
  }
  registers.rax = stopped.orig_rax;
  registers.rip -= 2;  // the length of `syscall`
  return registers;
}

std::vector<char> return_path_code(const user_regs_struct& r) {
  std::vector<char> code;
  const uint64_t in_order[16] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                                 r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
  for (int number = 0; number < 16; ++number) move_to_register(code, number, in_order[number]);
  // jmp *0(%rip); .quad rip
  const unsigned char jump[] = {0xff, 0x25, 0, 0, 0, 0};
  code.insert(code.end(), jump, jump + sizeof jump);
  const char* rip = reinterpret_cast<const char*>(&r.rip);
  code.insert(code.end(), rip, rip + sizeof r.rip);
  return code;
}

}  // namespace appshot
