// What is read of a thread from the kernel's memory is what a tracer is told of it.
#include "os/kernel_thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

#include "os/unique_fd.h"
#include "trace/tracee.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kStopMax{10};
constexpr int kValue = 4711;

void on_signal(int) {}

// Uses the vectors as far as there are any, and waits.
[[noreturn]] void sleep_child() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaddset(&action.sa_mask, SIGHUP);
  ::sigaction(SIGUSR2, &action, nullptr);
  ::signal(SIGWINCH, SIG_IGN);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&mask, SIGRTMIN);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  sigval value{};
  value.sival_int = kValue;
  ::sigqueue(::getpid(), SIGRTMIN, value);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, SIGHUP);
  ::prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
  const itimerval timer{{3, 0}, {1000, 0}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  ::raise(SIGUSR1);
  if (__builtin_cpu_supports("avx2"))
    __asm__ volatile(
        "vpcmpeqd %%ymm3, %%ymm3, %%ymm3\n\tvpsrlq $9, %%ymm3, %%ymm7\n\t"
        "fldpi\n\tmov %[number], %%eax\n\tsyscall"
        :
        : [number] "i"(SYS_pause)
        : "rax", "rcx", "r11", "memory");
  for (;;) ::pause();
}

// The kernel leaves nothing of it unset.
std::string_view bytes_of(const siginfo_t& info) {
  return {reinterpret_cast<const char*>(&info), sizeof info};
}

class KernelThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<KernelView> kernel = KernelView::open(nullptr);
    if (!kernel) GTEST_SKIP() << kernel.error().message();
    ASSERT_TRUE(kernel->layout.threads.known);
    kernel_.emplace(std::move(*kernel));
    child_ = ::fork();
    if (child_ == 0) sleep_child();
    ASSERT_GT(child_, 0);
    const std::string folder = "/proc/" + std::to_string(child_) + "/";
    std::string name;
    for (int looks = 0; looks < 1000 && name.rfind("34 ", 0) != 0; ++looks) {
      char text[64] = {};
      UniqueFd call(::open((folder + "syscall").c_str(), O_RDONLY));
      (void)!::read(call.get(), text, sizeof text - 1);
      name = text;
      ::usleep(1000);
    }
    UniqueFd thread(
        ::open((folder + "task/" + std::to_string(child_)).c_str(), O_RDONLY | O_DIRECTORY));
    task_ = task_address(*kernel_, thread.get()).value();
  }
  void TearDown() override {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, __WALL);
  }

  std::optional<KernelView> kernel_;
  pid_t child_ = 0;
  uint64_t task_ = 0;
};

TEST_F(KernelThreadTest, TellsWhatATracerIsTold) {
  Tracee tracee = Tracee::seize(HostPid{child_}, 0).value();
  ASSERT_TRUE(tracee.interrupt());
  ASSERT_TRUE(tracee.wait_stop(Deadline::in(kStopMax)));
  const std::vector<uint8_t> xstate = tracee.xstate().value();
  const KernelThread thread = describe_thread(*kernel_, task_, xstate).value();
  const user_regs_struct registers = tracee.registers().value();
  EXPECT_EQ(std::memcmp(&thread.registers, &registers, sizeof registers), 0);
  EXPECT_EQ(thread.xstate, xstate);
  EXPECT_EQ(thread.blocked, tracee.blocked_signals().value());
  const std::vector<siginfo_t> pending = tracee.pending_signals(false).value();
  ASSERT_EQ(thread.pending.size(), pending.size());
  ASSERT_EQ(pending.size(), 1U);
  EXPECT_EQ(bytes_of(thread.pending[0]), bytes_of(pending[0]));
  const __ptrace_rseq_configuration rseq = tracee.rseq().value();
  EXPECT_EQ(thread.rseq, rseq.rseq_abi_pointer);
  EXPECT_EQ(thread.rseq_signature, rseq.signature);
  EXPECT_EQ(thread.death_signal, SIGHUP);
  EXPECT_FALSE(thread.has_breakpoints);
}

TEST_F(KernelThreadTest, TellsWhatBelongsToItsProcess) {
  const KernelProcess process = describe_process(*kernel_, task_).value();
  EXPECT_EQ(process.actions[SIGUSR2 - 1].handler, reinterpret_cast<uint64_t>(on_signal));
  EXPECT_EQ(process.actions[SIGUSR2 - 1].mask, 1ULL << (SIGHUP - 1));
  EXPECT_EQ(process.actions[SIGWINCH - 1].handler, reinterpret_cast<uint64_t>(SIG_IGN));
  ASSERT_EQ(process.pending.size(), 1U);
  EXPECT_EQ(process.pending[0].si_signo, SIGRTMIN);
  EXPECT_EQ(process.pending[0].si_value.sival_int, kValue);
  EXPECT_TRUE(process.subreaper);
  EXPECT_TRUE(process.decides_on_memory_errors && process.killed_early);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto left_s = static_cast<int64_t>(process.timer_end_ns / 1'000'000'000) - now.tv_sec;
  EXPECT_GE(left_s, 980);
  EXPECT_LE(left_s, 1000);
  EXPECT_EQ(process.timer_again_ns, 3'000'000'000);
  EXPECT_FALSE(process.has_processor_timers || process.has_undo || process.stops ||
               process.has_continued);
}

TEST_F(KernelThreadTest, TellsWhoWaitsInVfork) {
  EXPECT_FALSE(waits_for_start_of(*kernel_, task_, kernel_->memory.current_task().value()).value());
}

}  // namespace
}  // namespace appshot
