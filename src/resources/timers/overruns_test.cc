#include "resources/timers/overruns.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

#include <cstring>

namespace appshot::timers {
namespace {

constexpr int kSignal = 42;
constexpr int64_t kMillisecond = 1'000'000;

void add_waiting(std::vector<std::unique_ptr<image::QueuedSignalT>>& queue, int code, int timer) {
  siginfo_t info{};
  info.si_signo = kSignal;
  info.si_code = code;
  info.si_timerid = timer;
  queue.push_back(std::make_unique<image::QueuedSignalT>());
  queue.back()->info.resize(sizeof info);
  std::memcpy(queue.back()->info.data(), &info, sizeof info);
}

// Timer 7 is due in 4 ms and every 10 ms; its signal waits.
image::ProcessT with_waiting_timer() {
  image::ProcessT process;
  process.threads.push_back(std::make_unique<image::ThreadT>());
  process.posix_timers.push_back(std::make_unique<image::PosixTimerT>());
  image::PosixTimerT& timer = *process.posix_timers.back();
  timer.id = 7;
  timer.clock = CLOCK_MONOTONIC;
  timer.notify = SIGEV_SIGNAL;
  timer.signal = kSignal;
  timer.value = std::make_unique<image::Time>(0, 4 * kMillisecond);
  timer.interval = std::make_unique<image::Time>(0, 10 * kMillisecond);
  add_waiting(process.pending, SI_TIMER, 7);
  return process;
}

TEST(Overruns, AreAskedOfATimerWhoseSignalWaitsAlone) {
  image::ProcessT process = with_waiting_timer();
  EXPECT_EQ(OverrunQuestion::all_of(process).size(), 1u);
}

TEST(Overruns, AreNotAskedWhereAnotherSignalCouldBeTaken) {
  image::ProcessT twice = with_waiting_timer();
  add_waiting(twice.pending, SI_QUEUE, 0);
  EXPECT_TRUE(OverrunQuestion::all_of(twice).empty());
  image::ProcessT of_thread = with_waiting_timer();
  add_waiting(of_thread.threads[0]->pending, SI_TKILL, 0);
  EXPECT_TRUE(OverrunQuestion::all_of(of_thread).empty());
  image::ProcessT others = with_waiting_timer();
  others.posix_timers[0]->id = 8;
  EXPECT_TRUE(OverrunQuestion::all_of(others).empty());
}

TEST(Overruns, AreNotAskedWhereSettingTheTimerWouldLoseSomething) {
  image::ProcessT told = with_waiting_timer();
  told.posix_timers[0]->overrun = 3;
  EXPECT_TRUE(OverrunQuestion::all_of(told).empty());
  image::ProcessT once = with_waiting_timer();
  *once.posix_timers[0]->interval = image::Time(0, 0);
  EXPECT_TRUE(OverrunQuestion::all_of(once).empty());
  image::ProcessT processor_time = with_waiting_timer();
  processor_time.posix_timers[0]->clock = CLOCK_PROCESS_CPUTIME_ID;
  EXPECT_TRUE(OverrunQuestion::all_of(processor_time).empty());
}

TEST(Overruns, TellWhenATimerFirstExpired) {
  image::ProcessT process = with_waiting_timer();
  process.posix_timers[0]->waiting_overrun = 2;
  EXPECT_EQ(first_expiry_ns(*process.posix_timers[0], 100 * kMillisecond), 74 * kMillisecond);
  EXPECT_EQ(first_expiry_ns(*process.posix_timers[0], 0), 1);
}

TEST(Overruns, LeaveNoSignalThatItsTimerSendsAgain) {
  image::ProcessT process = with_waiting_timer();
  add_waiting(process.pending, SI_TIMER, 8);
  forget_signals_sent_again(process);
  EXPECT_EQ(process.pending.size(), 2u);
  process.posix_timers[0]->waiting_overrun = 0;
  forget_signals_sent_again(process);
  EXPECT_EQ(process.pending.size(), 1u);
}

}  // namespace
}  // namespace appshot::timers
