#include "resources/timers/fired_meanwhile.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>

namespace appshot::timers {
namespace {

constexpr int kId = 7;
constexpr int kInAMoment = 1'000'000;  // nanoseconds

std::unique_ptr<image::QueuedSignalT> waiting(int signal, int code, int timer = 0) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  info.si_timerid = timer;
  auto queued = std::make_unique<image::QueuedSignalT>();
  queued->info.resize(sizeof info);
  std::memcpy(queued->info.data(), &info, sizeof info);
  return queued;
}

image::ProcessT with_posix_timer(image::Time value, image::Time interval) {
  image::ProcessT process;
  auto timer = std::make_unique<image::PosixTimerT>();
  timer->id = kId;
  timer->value = std::make_unique<image::Time>(value);
  timer->interval = std::make_unique<image::Time>(interval);
  process.posix_timers.push_back(std::move(timer));
  return process;
}

TEST(FiredMeanwhile, AOneShotTimerThatFiredIsDisarmed) {
  image::ProcessT process = with_posix_timer({0, kInAMoment}, {0, 0});
  process.pending.push_back(waiting(SIGALRM, SI_TIMER, kId));
  settle_fired(process, {});
  EXPECT_EQ(process.posix_timers[0]->value->nsec(), 0);
}

TEST(FiredMeanwhile, APeriodicTimerThatFiredIsDueAPeriodLater) {
  image::ProcessT process = with_posix_timer({0, kInAMoment}, {5, 999'500'000});
  process.threads.push_back(std::make_unique<image::ThreadT>());
  process.threads[0]->pending.push_back(waiting(SIGRTMIN, SI_TIMER, kId));
  settle_fired(process, {});
  EXPECT_EQ(process.posix_timers[0]->value->sec(), 6);
  EXPECT_EQ(process.posix_timers[0]->value->nsec(), 500'000);
}

TEST(FiredMeanwhile, ATimerWhoseSignalWaitedBeforeStaysAsItWasAsked) {
  image::ProcessT process = with_posix_timer({0, kInAMoment}, {0, 0});
  process.pending.push_back(waiting(SIGALRM, SI_TIMER, kId));
  settle_fired(process, FiredTimers::among(process));
  EXPECT_EQ(process.posix_timers[0]->value->nsec(), kInAMoment);
}

TEST(FiredMeanwhile, ATimerSetAnewSinceItFiredStaysAsItWasAsked) {
  image::ProcessT process = with_posix_timer({1000, 0}, {0, 0});
  process.pending.push_back(waiting(SIGALRM, SI_TIMER, kId));
  settle_fired(process, {});
  EXPECT_EQ(process.posix_timers[0]->value->sec(), 1000);
}

TEST(FiredMeanwhile, AnIntervalTimerIsKnownByItsSignalFromTheKernel) {
  image::ProcessT process;
  image::IntervalTimer soon(image::Time(0, kInAMoment), image::Time(0, 0));
  process.interval_timers = {soon, soon, soon};
  process.pending.push_back(waiting(SIGALRM, SI_KERNEL));
  process.pending.push_back(waiting(SIGPROF, SI_USER));
  settle_fired(process, {});
  EXPECT_EQ(process.interval_timers[0].value().nsec(), 0);
  EXPECT_EQ(process.interval_timers[1].value().nsec(), kInAMoment);
  EXPECT_EQ(process.interval_timers[2].value().nsec(), kInAMoment);
}

}  // namespace
}  // namespace appshot::timers
