#include "os/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace appshot {
namespace {

// A thread that has been joined may hold its id for a moment longer.
constexpr int kTriesForId = 50;
constexpr size_t kStackBytes = 4096;  // as far as the kernel asks; its end is what counts

// Where both return; the child, on a stack of its own, does not.
long clone_with_stack(clone_args& args, void (*entry)(void*), void* argument) {
  register void (*to)(void*) __asm__("r12") = entry;
  register void* with __asm__("r13") = argument;
  long result = SYS_clone3;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[with], %%rdi\n\t"
      "call *%[to]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), [to] "r"(to), [with] "r"(with)
      : "rcx", "r11", "memory");
  return result;
}

Result<pid_t> make_child(const ChildOptions& options, void* stack_end, void (*entry)(void*),
                         void* argument) {
  clone_args args{};
  args.flags = options.flags;
  args.exit_signal =
      (options.flags & CLONE_PARENT) != 0 ? 0 : static_cast<uint64_t>(options.exit_signal);
  std::vector<pid_t> wanted = options.outer_pids;
  if (options.pid != 0) wanted.insert(wanted.begin(), options.pid);
  if (!wanted.empty()) {
    args.set_tid = reinterpret_cast<uint64_t>(wanted.data());
    args.set_tid_size = wanted.size();
  }
  if (options.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(options.cgroup);
  }
  int pidfd = -1;
  if (options.pidfd != nullptr) {
    args.flags |= CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  }
  if (stack_end != nullptr) {
    args.stack = reinterpret_cast<uint64_t>(stack_end) - kStackBytes;
    args.stack_size = kStackBytes;
  }
  auto make = [&]() -> pid_t {
    if (stack_end == nullptr) return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    const long result = clone_with_stack(args, entry, argument);
    if (result >= 0) return static_cast<pid_t>(result);
    errno = static_cast<int>(-result);
    return -1;
  };
  pid_t pid = make();
  for (int tries = 0; pid < 0 && errno == EEXIST && tries < kTriesForId; ++tries) {
    ::poll(nullptr, 0, 1);
    pid = make();
  }
  if (pid < 0) {
    if (errno == EEXIST && !wanted.empty())
      return Error::from_errno(errno, "clone3 with pid " + std::to_string(wanted.front()));
    return Error::from_errno(errno, "clone3");
  }
  if (pid > 0 && options.pidfd != nullptr) options.pidfd->reset(pidfd);
  return pid;
}

}  // namespace

Result<pid_t> fork_child(const ChildOptions& options) {
  return make_child(options, nullptr, nullptr, nullptr);
}

Result<pid_t> clone_child(const ChildOptions& options, void* stack_end, void (*entry)(void*),
                          void* argument) {
  return make_child(options, stack_end, entry, argument);
}

Result<> die_with_parent(pid_t expected_parent) {
  TRY_SYS(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  // The parent may have died before the line above; then nobody would ever kill us.
  if (expected_parent != 0 && ::getppid() != expected_parent) ::_exit(1);
  return {};
}

Result<> close_descriptors_except(std::vector<int> kept) {
  kept.push_back(STDERR_FILENO);
  std::sort(kept.begin(), kept.end());
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] < STDERR_FILENO) continue;
    unsigned first = static_cast<unsigned>(kept[i]) + 1;
    unsigned next = i + 1 < kept.size() ? static_cast<unsigned>(kept[i + 1]) : ~0U;
    if (first < next) TRY_SYS(::syscall(SYS_close_range, first, next - 1, 0));
  }
  return {};
}

}  // namespace appshot
