#include "isolation/denied_calls.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace appshot {
namespace {

// What a child tells that has the filter.
int under(const AllowedCalls& allowed, const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(deny_calls(allowed) ? body() : 255);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

// Arguments that the kernel refuses by themselves, otherwise than the filter.
int errno_of(long number) { return ::syscall(number, -1, 0, -1, 0, 0) < 0 ? errno : 0; }

int errno_under(const AllowedCalls& allowed, long number) {
  return under(allowed, [&] { return errno_of(number); });
}

class DeniedCalls : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(DeniedCalls, RefuseWhatReachesTheMachine) {
  for (long number : {SYS_bpf, SYS_perf_event_open, SYS_open_by_handle_at, SYS_delete_module,
                      SYS_acct, SYS_quotactl, SYS_clock_settime, SYS_swapoff})
    EXPECT_EQ(errno_under({}, number), EPERM) << number;
}

TEST_F(DeniedCalls, LeaveItToWhoHasTheCapability) {
  EXPECT_NE(errno_under({false, false, CapabilitySet{1} << CAP_BPF}, SYS_bpf), EPERM);
  EXPECT_EQ(errno_under({false, false, CapabilitySet{1} << CAP_BPF}, SYS_acct), EPERM);
  EXPECT_NE(errno_under({false, true, 0}, SYS_bpf), EPERM);
}

TEST_F(DeniedCalls, LeaveOutWhatNobodyCouldSee) {
  for (const AllowedCalls& allowed : {AllowedCalls{}, AllowedCalls{false, true, 0}}) {
    EXPECT_EQ(errno_under(allowed, SYS_io_uring_setup), ENOSYS);
    EXPECT_EQ(errno_under(allowed, SYS_landlock_create_ruleset), ENOSYS);
  }
  EXPECT_NE(errno_under({true, false, 0}, SYS_io_uring_setup), ENOSYS);
}

TEST_F(DeniedCalls, LeaveEverythingElse) {
  EXPECT_EQ(under({}, [] { return ::getpid() > 0 && ::access("/", F_OK) == 0 ? 0 : 1; }), 0);
  EXPECT_EQ(errno_under({}, SYS_unshare), EINVAL);
}

}  // namespace
}  // namespace appshot
