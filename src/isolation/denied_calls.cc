#include "isolation/denied_calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <cerrno>
#include <vector>

namespace appshot {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
// The same numbers on every architecture this kernel runs programs of.
constexpr uint32_t kIoUring[] = {425, 426, 427};
constexpr uint32_t kLandlock[] = {444, 445, 446};

}  // namespace

Result<> deny_invisible_calls(bool allow_io_uring) {
  std::vector<uint32_t> denied(std::begin(kLandlock), std::end(kLandlock));
  if (!allow_io_uring) denied.insert(denied.end(), std::begin(kIoUring), std::end(kIoUring));

  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~kX32Bit));
  for (size_t i = 0; i < denied.size(); ++i) {
    auto to_refusal = static_cast<unsigned char>(denied.size() - i);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i], to_refusal, 0));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  TRY_SYS(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
  return {};
}

}  // namespace appshot
