// Programs of a few instructions that the kernel verifies and runs in its own context.
#pragma once

#include <linux/bpf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::bpf {

int call_kernel(int command, bpf_attr& about);
// What failed last, as an error of the class unsupported.
Error cannot(const char* call);
// `about` says what kind of program it is.
Result<UniqueFd> load(bpf_attr about, std::span<const bpf_insn> instructions);
// To a folder of cgroup v2, beside what is there, for as long as that exists.
Result<> attach_for_good(const UniqueFd& program, int cgroup, bpf_attach_type type);

bpf_insn instruction(int code, int to, int from, int offset, int number);
bpf_insn copy(int to, int from);
bpf_insn set(int to, int number);
bpf_insn add(int to, int number);
bpf_insn load(int to, int base, size_t offset);
bpf_insn store(int base, int offset, int from);
// A part of what is there; `size` is BPF_B, BPF_H, BPF_W or BPF_DW.
bpf_insn read(int size, int to, int base, int offset);
bpf_insn put(int size, int base, int offset, int number);
bpf_insn add_register(int to, int from);
bpf_insn mask(int which, int number);
bpf_insn shift_left(int which, int bits);
bpf_insn shift_right_by(int which, int by);  // a register as well
// All of its 64 bits; takes two.
std::array<bpf_insn, 2> set_long(int to, uint64_t number);
bpf_insn skip_if_zero(int which, int instructions);
bpf_insn call(int helper);
bpf_insn end();

}  // namespace appshot::bpf
