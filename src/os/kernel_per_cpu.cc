#include "os/kernel_per_cpu.h"

#include <unistd.h>

#include <cerrno>

#include "os/bpf.h"
#include "os/kernel_files.h"

namespace appshot {
namespace {

struct Question {
  uint64_t processor = 0;
  uint64_t address = 0;
};

// Where the map's only value is for that processor.
Result<UniqueFd> load_asker(int map) {
  using namespace bpf;
  constexpr int kKey = -4;      // on its stack
  constexpr int kLookUp = 195;  // BPF_FUNC_map_lookup_percpu_elem, since 5.19
  const std::vector<bpf_insn> instructions = {
      copy(6, 1),
      // NOLINTNEXTLINE(misc-redundant-expression): the parts of an instruction are named
      instruction(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
      instruction(0, 0, 0, 0, 0),  // the map took two
      instruction(BPF_ST | BPF_MEM | BPF_W, 10, 0, kKey, 0),
      copy(2, 10),
      add(2, kKey),
      load(3, 6, offsetof(Question, processor)),
      call(kLookUp),
      store(6, static_cast<int>(offsetof(Question, address)), 0),
      set(0, 0),
      end(),
  };
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_SYSCALL;
  about.prog_flags = BPF_F_SLEEPABLE;
  return bpf::load(about, instructions);
}

}  // namespace

// A value of ours that there is for each processor: where it is we can ask, and the kernel's
// address for all of them is kept with the map.
Result<std::vector<uint64_t>> per_cpu_offsets(KernelView& kernel) {
  bpf_attr about{};
  about.map_type = BPF_MAP_TYPE_PERCPU_ARRAY;
  about.key_size = sizeof(uint32_t);
  about.value_size = sizeof(uint64_t);
  about.max_entries = 1;
  UniqueFd map(bpf::call_kernel(BPF_MAP_CREATE, about));
  if (!map) return bpf::cannot("bpf(BPF_MAP_CREATE)");
  UniqueFd asker = TRY(load_asker(map.get()));
  const uint64_t file = TRY(file_address(kernel, map.get()));
  const auto array = TRY(kernel.memory.read<uint64_t>(file + kernel.layout.file_private));
  const auto common = TRY(kernel.memory.read<uint64_t>(array + kernel.layout.map_values));
  std::vector<uint64_t> offsets;
  for (long i = 0, count = ::sysconf(_SC_NPROCESSORS_CONF); i < count; ++i) {
    Question question{static_cast<uint64_t>(i), 0};
    about = {};
    about.test.prog_fd = static_cast<uint32_t>(asker.get());
    about.test.ctx_in = reinterpret_cast<uint64_t>(&question);
    about.test.ctx_size_in = sizeof question;
    if (bpf::call_kernel(BPF_PROG_TEST_RUN, about) != 0)
      return Error::from_errno(errno, "bpf(BPF_PROG_TEST_RUN)");
    if (question.address == 0) return unexpected_memory("what there is for each processor");
    offsets.push_back(question.address - common);
  }
  return offsets;
}

}  // namespace appshot
