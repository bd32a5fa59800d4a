#include "trace/kernel_tracing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "os/unique_fd.h"

namespace appshot {
namespace {

class KernelTracingTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    kernel_.emplace(std::move(*kernel));
    child_ = ::fork();
    if (child_ == 0)
      for (;;) ::getppid();
    ASSERT_GT(child_, 0);
    const std::string id = std::to_string(child_);
    folder_.reset(::open(("/proc/" + id + "/task/" + id).c_str(), O_RDONLY | O_DIRECTORY));
  }
  void TearDown() override {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, __WALL);
  }
  KernelTracing seen() { return tracing_of(*kernel_, folder_.get()).value(); }
  void wait_for_stop() {
    int status = 0;
    ASSERT_EQ(::waitpid(child_, &status, __WALL), child_);
    ASSERT_TRUE(WIFSTOPPED(status));
  }

  std::optional<KernelView> kernel_;
  pid_t child_ = 0;
  UniqueFd folder_;
};

TEST_F(KernelTracingTest, KnowsWhoIsNotTraced) { EXPECT_FALSE(seen().traced); }

TEST_F(KernelTracingTest, TellsHowAThreadWasSeized) {
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child_, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
  const KernelTracing now = seen();
  EXPECT_TRUE(now.traced && now.seized);
  EXPECT_EQ(now.options, static_cast<uint32_t>(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
}

TEST_F(KernelTracingTest, TellsHowAThreadIsLetRun) {
  ASSERT_EQ(::ptrace(PTRACE_ATTACH, child_, 0, 0), 0);
  wait_for_stop();
  EXPECT_FALSE(seen().seized || seen().to_call || seen().steps);
  ASSERT_EQ(::ptrace(PTRACE_SYSCALL, child_, 0, 0), 0);
  wait_for_stop();
  EXPECT_TRUE(seen().to_call);
  ASSERT_EQ(::ptrace(PTRACE_SINGLESTEP, child_, 0, 0), 0);
  wait_for_stop();
  EXPECT_TRUE(seen().steps);
}

}  // namespace
}  // namespace appshot
