#include "os/setting_writes.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "os/bpf.h"

namespace appshot {
namespace {

constexpr char kBegins[] = {'n', 'e', 't', '/'};  // the name, without /proc/sys/
constexpr int kName = -16;                        // on the program's stack
constexpr int kNameBytes = 16;

std::vector<bpf_insn> note_writes(int map) {
  using namespace bpf;
  int32_t begins;
  std::memcpy(&begins, kBegins, sizeof begins);
  return {
      instruction(BPF_LDX | BPF_MEM | BPF_W, 6, 1, offsetof(bpf_sysctl, write), 0),
      skip_if_zero(6, 10),  // only read
      copy(2, 10),
      add(2, kName),
      set(3, kNameBytes),
      set(4, 0),
      call(BPF_FUNC_sysctl_get_name),
      instruction(BPF_LDX | BPF_MEM | BPF_W, 1, 10, kName, 0),
      instruction(BPF_JMP | BPF_JNE | BPF_K, 1, 0, 3, begins),
      instruction(BPF_LD | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, map),
      instruction(0, 0, 0, 0, 0),  // the map took two
      instruction(BPF_ST | BPF_MEM | BPF_DW, 1, 0, 0, 1),
      set(0, 1),  // it may
      end(),
  };
}

}  // namespace

Result<SettingWrites> SettingWrites::prepare() {
  SettingWrites writes;
  bpf_attr about{};
  about.map_type = BPF_MAP_TYPE_ARRAY;
  about.key_size = sizeof(uint32_t);
  about.value_size = sizeof(uint64_t);
  about.max_entries = 1;
  writes.map_.reset(bpf::call_kernel(BPF_MAP_CREATE, about));
  if (!writes.map_) return bpf::cannot("bpf(BPF_MAP_CREATE)");
  about = bpf_attr{};
  about.prog_type = BPF_PROG_TYPE_CGROUP_SYSCTL;
  about.expected_attach_type = BPF_CGROUP_SYSCTL;
  writes.program_ = TRY(bpf::load(about, note_writes(writes.map_.get())));
  return writes;
}

Result<> SettingWrites::watch(int cgroup) {
  bpf_attr about{};
  about.link_create.prog_fd = static_cast<uint32_t>(program_.get());
  about.link_create.target_fd = static_cast<uint32_t>(cgroup);
  about.link_create.attach_type = BPF_CGROUP_SYSCTL;
  link_.reset(bpf::call_kernel(BPF_LINK_CREATE, about));
  if (!link_) return bpf::cannot("bpf(BPF_LINK_CREATE)");
  return {};
}

bool SettingWrites::may_have_been() const {
  if (!link_) return true;
  const uint32_t key = 0;
  uint64_t written = 1;
  bpf_attr about{};
  about.map_fd = static_cast<uint32_t>(map_.get());
  about.key = reinterpret_cast<uint64_t>(&key);
  about.value = reinterpret_cast<uint64_t>(&written);
  return bpf::call_kernel(BPF_MAP_LOOKUP_ELEM, about) != 0 || written != 0;
}

}  // namespace appshot
