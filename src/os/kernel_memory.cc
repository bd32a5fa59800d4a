#include "os/kernel_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "os/bpf.h"

namespace appshot {
namespace {

constexpr uint32_t kWindow = 64 * 1024;  // so much can be read at once

// What a program is called with; the kernel copies it in, and out again.
struct Question {
  uint64_t address = 0;
  uint64_t size = 0;
  int64_t result = 0;
  uint64_t task = 0;
};

// Copies `size` bytes from `address` into the map's value.
std::vector<bpf_insn> read_memory(int map) {
  using namespace bpf;
  constexpr int kKey = -4;  // on its stack
  return {
      copy(6, 1),  // the question, for as long as it runs
      instruction(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
      instruction(0, 0, 0, 0, 0),  // the map took two
      instruction(BPF_ST | BPF_MEM | BPF_W, 10, 0, kKey, 0),
      copy(2, 10),
      add(2, kKey),
      call(BPF_FUNC_map_lookup_elem),
      instruction(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 8, 0),  // no value: to the end
      copy(1, 0),
      load(2, 6, offsetof(Question, size)),
      instruction(BPF_JMP | BPF_JGT | BPF_K, 2, 0, 5, kWindow),  // too much: to the end
      load(3, 6, offsetof(Question, address)),
      call(BPF_FUNC_probe_read_kernel),
      store(6, static_cast<int>(offsetof(Question, result)), 0),
      call(BPF_FUNC_get_current_task),
      store(6, static_cast<int>(offsetof(Question, task)), 0),
      set(0, 0),
      end(),
  };
}
Result<UniqueFd> make_map() {
  bpf_attr about{};
  about.map_type = BPF_MAP_TYPE_ARRAY;
  about.key_size = sizeof(uint32_t);
  about.value_size = kWindow;
  about.max_entries = 1;
  about.map_flags = BPF_F_MMAPABLE;
  UniqueFd map(bpf::call_kernel(BPF_MAP_CREATE, about));
  if (!map) return bpf::cannot("bpf(BPF_MAP_CREATE)");
  return map;
}

Result<UniqueFd> load_reader(int map) {
  const std::vector<bpf_insn> instructions = read_memory(map);
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_SYSCALL;
  about.prog_flags = BPF_F_SLEEPABLE;
  return bpf::load(about, instructions);
}

Result<> run(const UniqueFd& program, Question& question) {
  bpf_attr about{};
  about.test.prog_fd = static_cast<uint32_t>(program.get());
  about.test.ctx_in = reinterpret_cast<uint64_t>(&question);
  about.test.ctx_size_in = sizeof question;
  if (bpf::call_kernel(BPF_PROG_TEST_RUN, about) != 0)
    return Error::from_errno(errno, "bpf(BPF_PROG_TEST_RUN)");
  return {};
}

}  // namespace

Result<KernelMemory> KernelMemory::open() {
  UniqueFd map = TRY(make_map());
  UniqueFd reader = TRY(load_reader(map.get()));
  void* window = ::mmap(nullptr, kWindow, PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
  if (window == MAP_FAILED) return bpf::cannot("mmap");
  return KernelMemory(std::move(map), std::move(reader), static_cast<uint8_t*>(window));
}

KernelMemory::KernelMemory(KernelMemory&& other) noexcept
    : map_(std::move(other.map_)),
      reader_(std::move(other.reader_)),
      window_(std::exchange(other.window_, nullptr)) {}

KernelMemory::~KernelMemory() {
  if (window_ != nullptr) ::munmap(window_, kWindow);
}

Result<> KernelMemory::read(uint64_t address, std::span<uint8_t> into) {
  while (!into.empty()) {
    Question question;
    question.address = address;
    question.size = std::min<size_t>(into.size(), kWindow);
    question.result = -EIO;
    TRY(run(reader_, question));
    if (question.result != 0)
      return Error::from_errno(static_cast<int>(-question.result), "bpf_probe_read_kernel");
    std::memcpy(into.data(), window_, question.size);
    into = into.subspan(question.size);
    address += question.size;
  }
  return {};
}

Result<uint64_t> KernelMemory::current_task() {
  Question question;  // of no memory
  TRY(run(reader_, question));
  return question.task;
}

}  // namespace appshot
