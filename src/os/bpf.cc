#include "os/bpf.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace appshot::bpf {
namespace {

// The kernel lets only programs read its memory whose licence goes with its own: the instructions
// in this file may be used under the MIT licence as well.
constexpr char kLicense[] = "Dual MIT/GPL";

}  // namespace

int call_kernel(int command, bpf_attr& about) {
  return static_cast<int>(::syscall(SYS_bpf, command, &about, sizeof about));
}

Error cannot(const char* call) {
  const int failed = errno;
  return Error(ErrorClass::unsupported, "the kernel's memory cannot be read here: " +
                                            Error::from_errno(failed, call).message())
      .with_errno(failed)
      .hint("appshotd needs CAP_BPF and CAP_PERFMON for it, and a kernel that is not locked down");
}

Result<UniqueFd> load(bpf_attr about, std::span<const bpf_insn> instructions) {
  about.insns = reinterpret_cast<uint64_t>(instructions.data());
  about.insn_cnt = static_cast<uint32_t>(instructions.size());
  about.license = reinterpret_cast<uint64_t>(kLicense);
  UniqueFd program(call_kernel(BPF_PROG_LOAD, about));
  if (!program) return cannot("bpf(BPF_PROG_LOAD)");
  return program;
}

Result<> attach_for_good(const UniqueFd& program, int cgroup, bpf_attach_type type) {
  bpf_attr about{};
  about.target_fd = static_cast<uint32_t>(cgroup);
  about.attach_bpf_fd = static_cast<uint32_t>(program.get());
  about.attach_type = type;
  about.attach_flags = BPF_F_ALLOW_MULTI;
  if (call_kernel(BPF_PROG_ATTACH, about) != 0) return cannot("bpf(BPF_PROG_ATTACH)");
  return {};
}

bpf_insn instruction(int code, int to, int from, int offset, int number) {
  bpf_insn one{};
  one.code = static_cast<uint8_t>(code);
  one.dst_reg = static_cast<uint8_t>(to & 15);
  one.src_reg = static_cast<uint8_t>(from & 15);
  one.off = static_cast<int16_t>(offset);
  one.imm = number;
  return one;
}

// The parts of an instruction are named, also where the kernel's value for one is 0.
// NOLINTBEGIN(misc-redundant-expression)
bpf_insn copy(int to, int from) { return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
bpf_insn set(int to, int number) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number);
}
bpf_insn add(int to, int number) {
  return instruction(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, number);
}
bpf_insn load(int to, int base, size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_DW, to, base, static_cast<int>(offset), 0);
}
bpf_insn store(int base, int offset, int from) {
  return instruction(BPF_STX | BPF_MEM | BPF_DW, base, from, offset, 0);
}
bpf_insn read(int size, int to, int base, int offset) {
  return instruction(BPF_LDX | BPF_MEM | size, to, base, offset, 0);
}
bpf_insn put(int size, int base, int offset, int number) {
  return instruction(BPF_ST | BPF_MEM | size, base, 0, offset, number);
}
bpf_insn add_register(int to, int from) {
  return instruction(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}
bpf_insn mask(int which, int number) {
  return instruction(BPF_ALU64 | BPF_AND | BPF_K, which, 0, 0, number);
}
bpf_insn shift_left(int which, int bits) {
  return instruction(BPF_ALU64 | BPF_LSH | BPF_K, which, 0, 0, bits);
}
bpf_insn shift_right_by(int which, int by) {
  return instruction(BPF_ALU64 | BPF_RSH | BPF_X, which, by, 0, 0);
}
std::array<bpf_insn, 2> set_long(int to, uint64_t number) {
  return {instruction(BPF_LD | BPF_IMM | BPF_DW, to, 0, 0, static_cast<int>(number)),
          instruction(0, 0, 0, 0, static_cast<int>(number >> 32))};
}
bpf_insn skip_if_zero(int which, int instructions) {
  return instruction(BPF_JMP | BPF_JEQ | BPF_K, which, 0, instructions, 0);
}
bpf_insn call(int helper) { return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
bpf_insn end() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }
// NOLINTEND(misc-redundant-expression)

}  // namespace appshot::bpf
