#include "isolation/devices.h"

#include <cstddef>
#include <vector>

#include "os/bpf.h"

namespace appshot {
namespace {

// null, zero, full, random, urandom; the same numbers everywhere.
constexpr int kMemory = 1, kMemoryMinors[] = {3, 5, 7, 8, 9};
// tty (one's own terminal) and ptmx.
constexpr int kTerminals = 5, kTerminalMinors[] = {0, 2};
// The slave sides of terminals.
constexpr int kSlavesFirst = 136, kSlavesLast = 143;

enum Register { kAnswer = 0, kContext = 1, kType = 2, kMajor = 3, kMinor = 4 };

bpf_insn skip_if(int condition, int which, int number, int instructions) {
  return bpf::instruction(BPF_JMP | condition | BPF_K, which, 0, instructions, number);
}

// Answers: 1 allows. Read from its end, since it only jumps forward.
std::vector<bpf_insn> ask_for_numbers() {
  const auto read = [](int to, size_t offset) {
    return bpf::instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<int>(offset), 0);
  };
  std::vector<bpf_insn> program = {
      read(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
      bpf::instruction(BPF_ALU64 | BPF_AND | BPF_K, kType, 0, 0, 0xffff),
      read(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
      read(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
      bpf::set(kAnswer, 0),
      skip_if(BPF_JEQ, kType, BPF_DEVCG_DEV_CHAR, 1),
      bpf::end(),
      // Every group of devices answers for itself alone.
      skip_if(BPF_JLT, kMajor, kSlavesFirst, 3),
      skip_if(BPF_JGT, kMajor, kSlavesLast, 2),
      bpf::set(kAnswer, 1),
      bpf::end(),
  };
  const auto allow = [&](int major, auto& minors) {
    program.push_back(skip_if(BPF_JNE, kMajor, major, static_cast<int>(3 * std::size(minors))));
    for (int minor : minors) {
      program.push_back(skip_if(BPF_JNE, kMinor, minor, 2));
      program.push_back(bpf::set(kAnswer, 1));
      program.push_back(bpf::end());
    }
  };
  allow(kMemory, kMemoryMinors);
  allow(kTerminals, kTerminalMinors);
  program.push_back(bpf::end());
  return program;
}

}  // namespace

Result<UniqueFd> load_device_guard() {
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  about.expected_attach_type = BPF_CGROUP_DEVICE;
  return bpf::load(about, ask_for_numbers());
}

}  // namespace appshot
