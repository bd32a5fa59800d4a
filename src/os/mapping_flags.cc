#include "os/mapping_flags.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "os/bpf.h"
#include "os/file.h"
#include "os/kernel_types.h"

namespace appshot {
namespace {

constexpr std::string_view kIterator = "bpf_iter_task_vma";
constexpr std::array<std::string_view, 2> kNames{kIterator, "vm_area_struct"};

// What the iterator's program is given: the output's description, the task, the mapping.
constexpr size_t kMeta = 0, kMapping = 16;
constexpr int kRecord = 24;

// Writes start, end and flags of each mapping.
std::vector<bpf_insn> write_record(size_t start, size_t end, size_t flags) {
  using namespace bpf;
  return {
      load(6, 1, kMapping),
      skip_if_zero(6, 12),  // after the last
      load(7, 1, kMeta),
      load(1, 7, 0),  // meta->seq is its first member
      load(2, 6, start),
      store(10, -kRecord, 2),
      load(2, 6, end),
      store(10, -kRecord + 8, 2),
      load(2, 6, flags),
      store(10, -kRecord + 16, 2),
      copy(2, 10),
      add(2, -kRecord),
      set(3, kRecord),
      call(BPF_FUNC_seq_write),
      set(0, 0),
      bpf::end(),
  };
}

}  // namespace

Result<> MappingFlags::open() {
  if (program_) return {};
  if (tried_) return Error(ErrorClass::unsupported, "the kernel does not list mappings for us");
  tried_ = true;
  const KernelTypes types = TRY(KernelTypes::of_running_kernel(kNames));
  constexpr std::string_view kStructure = "vm_area_struct";
  const std::vector<bpf_insn> instructions = write_record(
      TRY(types.offset_of(kStructure, "vm_start")), TRY(types.offset_of(kStructure, "vm_end")),
      TRY(types.offset_of(kStructure, "vm_flags")));
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_TRACING;
  about.expected_attach_type = BPF_TRACE_ITER;
  about.attach_btf_id = TRY(types.id_of_function(kIterator));
  program_ = TRY(bpf::load(about, instructions));
  return {};
}

Result<std::vector<MappingFlags::Raw>> MappingFlags::list(HostPid pid) const {
  bpf_iter_link_info which{};
  which.task.pid = static_cast<uint32_t>(pid.value);
  bpf_attr about{};
  about.link_create.prog_fd = static_cast<uint32_t>(program_.get());
  about.link_create.attach_type = BPF_TRACE_ITER;
  about.link_create.iter_info = reinterpret_cast<uint64_t>(&which);
  about.link_create.iter_info_len = sizeof which;
  const UniqueFd link(bpf::call_kernel(BPF_LINK_CREATE, about));
  if (!link) return bpf::cannot("bpf(BPF_LINK_CREATE)");
  about = {};
  about.iter_create.link_fd = static_cast<uint32_t>(link.get());
  const UniqueFd iterator(bpf::call_kernel(BPF_ITER_CREATE, about));
  if (!iterator) return bpf::cannot("bpf(BPF_ITER_CREATE)");
  const std::string bytes = TRY(read_whole(iterator.get()));
  std::vector<Raw> all(bytes.size() / sizeof(Raw));
  static_assert(sizeof(Raw) == kRecord);
  std::memcpy(all.data(), bytes.data(), all.size() * sizeof(Raw));
  return all;
}

Result<> MappingFlags::learn(const proc::ProcessDir& process) {
  TRY(open());
  const std::vector<Raw> before = TRY(list(process.pid()));
  bool known = true;
  for (const Raw& one : before) known = known && meaning_.contains(one.flags);
  if (known) return {};
  const std::vector<proc::Mapping> mappings = TRY(process.mappings());
  // What changed meanwhile teaches nothing.
  const std::vector<Raw> after = TRY(list(process.pid()));
  std::map<uint64_t, const proc::Mapping*> by_start;
  for (const proc::Mapping& mapping : mappings) by_start[mapping.start] = &mapping;
  for (size_t i = 0; i < before.size(); ++i) {
    auto found = by_start.find(before[i].start);
    const bool same = std::find(after.begin(), after.end(), before[i]) != after.end();
    if (!same || found == by_start.end() || found->second->end != before[i].end) continue;
    if (!found->second->unknown_flags.empty()) continue;
    meaning_[before[i].flags] = found->second->vm_flags;
  }
  return {};
}

std::optional<std::vector<proc::Mapping>> MappingFlags::mappings(
    const proc::ProcessDir& process) const {
  if (!program_) return {};
  Result<std::vector<Raw>> raw = list(process.pid());
  Result<std::vector<proc::Mapping>> mappings = process.mapped_ranges();
  if (!raw || !mappings) return {};
  std::map<uint64_t, const Raw*> by_start;
  for (const Raw& one : *raw) by_start[one.start] = &one;
  for (proc::Mapping& mapping : *mappings) {
    if (mapping.name == "[vsyscall]") continue;  // no mapping of the process's own
    auto found = by_start.find(mapping.start);
    if (found == by_start.end() || found->second->end != mapping.end) return {};
    auto meaning = meaning_.find(found->second->flags);
    if (meaning == meaning_.end()) return {};
    mapping.vm_flags = meaning->second;
    mapping.anonymous_bytes = mapping.length();
  }
  return std::move(mappings).value();
}

}  // namespace appshot
