#include "isolation/denied_calls.h"

#include <linux/audit.h>
#include <linux/capability.h>
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

// By their numbers in 64-bit and in 32-bit programs (0: not there); they are allowed to who has
// been given the capability that the kernel asks for.
struct CallOfTheMachine {
  uint32_t number, number_32;
  CapabilitySet with;
};
constexpr CapabilitySet bit(int capability) { return CapabilitySet{1} << capability; }
constexpr CallOfTheMachine kOfTheMachine[] = {
    {246, 283, bit(CAP_SYS_BOOT)},                      // kexec_load
    {320, 0, bit(CAP_SYS_BOOT)},                        // kexec_file_load
    {169, 88, bit(CAP_SYS_BOOT)},                       // reboot
    {175, 128, bit(CAP_SYS_MODULE)},                    // init_module
    {313, 350, bit(CAP_SYS_MODULE)},                    // finit_module
    {176, 129, bit(CAP_SYS_MODULE)},                    // delete_module
    {172, 110, bit(CAP_SYS_RAWIO)},                     // iopl
    {173, 101, bit(CAP_SYS_RAWIO)},                     // ioperm
    {167, 87, bit(CAP_SYS_ADMIN)},                      // swapon
    {168, 115, bit(CAP_SYS_ADMIN)},                     // swapoff
    {179, 131, bit(CAP_SYS_ADMIN)},                     // quotactl
    {443, 443, bit(CAP_SYS_ADMIN)},                     // quotactl_fd
    {180, 169, bit(CAP_SYS_ADMIN)},                     // nfsservctl
    {212, 253, bit(CAP_SYS_ADMIN)},                     // lookup_dcookie
    {163, 51, bit(CAP_SYS_PACCT)},                      // acct
    {164, 79, bit(CAP_SYS_TIME)},                       // settimeofday
    {227, 264, bit(CAP_SYS_TIME)},                      // clock_settime
    {0, 404, bit(CAP_SYS_TIME)},                        // clock_settime64
    {0, 25, bit(CAP_SYS_TIME)},                         // stime
    {103, 103, bit(CAP_SYSLOG)},                        // syslog
    {304, 342, bit(CAP_DAC_READ_SEARCH)},               // open_by_handle_at
    {298, 336, bit(CAP_PERFMON) | bit(CAP_SYS_ADMIN)},  // perf_event_open
    {321, 357, bit(CAP_BPF) | bit(CAP_SYS_ADMIN)},      // bpf
};

class Filter {
 public:
  void load(size_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  void clear(uint32_t bits) { program_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~bits)); }
  void answer(uint32_t what) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, what)); }
  // All of these, however many.
  void answer_calls(const std::vector<uint32_t>& numbers, int err) {
    for (uint32_t number : numbers) {
      program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
      answer(SECCOMP_RET_ERRNO | static_cast<uint32_t>(err));
    }
  }
  // What is added from here to the end of it is for calls of that architecture alone.
  size_t begin_only_for(uint32_t architecture) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, 0));
    return program_.size();
  }
  void end_only_for(size_t begin) {
    program_[begin - 1].jf = static_cast<unsigned char>(program_.size() - begin);
  }
  Result<> install() {
    sock_fprog filter{static_cast<unsigned short>(program_.size()), program_.data()};
    TRY_SYS(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
    return {};
  }

 private:
  std::vector<sock_filter> program_;
};

}  // namespace

Result<> deny_calls(const AllowedCalls& allowed) {
  std::vector<uint32_t> unknown(std::begin(kLandlock), std::end(kLandlock));
  if (!allowed.io_uring) unknown.insert(unknown.end(), std::begin(kIoUring), std::end(kIoUring));
  std::vector<uint32_t> refused, refused_32;
  for (const CallOfTheMachine& call : kOfTheMachine) {
    if (allowed.of_the_machine || (allowed.capabilities & call.with) != 0) continue;
    if (call.number != 0) refused.push_back(call.number);
    if (call.number_32 != 0) refused_32.push_back(call.number_32);
  }
  Filter filter;
  if (!refused_32.empty()) {
    filter.load(offsetof(seccomp_data, arch));
    const size_t begin = filter.begin_only_for(AUDIT_ARCH_I386);
    filter.load(offsetof(seccomp_data, nr));
    filter.answer_calls(refused_32, EPERM);
    filter.answer_calls(unknown, ENOSYS);
    filter.answer(SECCOMP_RET_ALLOW);
    filter.end_only_for(begin);
  }
  filter.load(offsetof(seccomp_data, nr));
  filter.clear(kX32Bit);
  filter.answer_calls(unknown, ENOSYS);
  filter.answer_calls(refused, EPERM);
  filter.answer(SECCOMP_RET_ALLOW);
  return filter.install();
}

}  // namespace appshot
