#include "isolation/settings.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include "os/bpf.h"

namespace appshot {
namespace {

constexpr int kNameBytes = 32;
constexpr int kName = -kNameBytes;  // on the program's stack

// How the names begin, without /proc/sys/. What is below user/ needs CAP_SYS_RESOURCE in the user
// namespace it is about; ns_last_pid is of the writer's pid namespace, and restores write it.
std::vector<std::string_view> own_settings(const Share& share) {
  std::vector<std::string_view> own = {"user/", "kernel/ns_last_pid"};
  if (!share.net) own.push_back("net/");
  if (!share.ipc) own.insert(own.end(), {"kernel/sem", "kernel/shm", "kernel/msg", "fs/mqueue/"});
  if (!share.uts) own.insert(own.end(), {"kernel/hostname", "kernel/domainname"});
  return own;
}

// Answers: 1 allows.
std::vector<bpf_insn> ask_for_names(const std::vector<std::string_view>& own) {
  using namespace bpf;
  std::vector<bpf_insn> program = {
      instruction(BPF_LDX | BPF_MEM | BPF_W, 6, 1, offsetof(bpf_sysctl, write), 0),
      set(0, 1),
      instruction(BPF_JMP | BPF_JNE | BPF_K, 6, 0, 1, 0),
      end(),  // only read
      copy(2, 10),
      add(2, kName),
      set(3, kNameBytes),
      set(4, 0),
      call(BPF_FUNC_sysctl_get_name),
  };
  for (std::string_view name : own) {
    for (size_t i = 0; i < name.size(); ++i) {
      const auto left = static_cast<int>(name.size() - i - 1);
      program.push_back(
          instruction(BPF_LDX | BPF_MEM | BPF_B, 1, 10, kName + static_cast<int>(i), 0));
      program.push_back(instruction(BPF_JMP | BPF_JNE | BPF_K, 1, 0, 2 * left + 2, name[i]));
    }
    program.push_back(set(0, 1));
    program.push_back(end());
  }
  program.push_back(set(0, 0));
  program.push_back(end());
  return program;
}

}  // namespace

Result<UniqueFd> load_settings_guard(const Share& share) {
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_CGROUP_SYSCTL;
  about.expected_attach_type = BPF_CGROUP_SYSCTL;
  return bpf::load(about, ask_for_names(own_settings(share)));
}

}  // namespace appshot
