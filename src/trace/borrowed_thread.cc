#include "trace/borrowed_thread.h"

#include <signal.h>

#include <chrono>
#include <utility>

#include "trace/group_stops.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kGiveBackMax{1};

uint64_t bit(int signal) { return 1ULL << (signal - 1); }

}  // namespace

Result<BorrowedThread> BorrowedThread::borrow(Tracee& thread) {
  return BorrowedThread(thread, TRY(thread.registers()), TRY(thread.blocked_signals()));
}

BorrowedThread::BorrowedThread(BorrowedThread&& other) noexcept
    : thread_(std::exchange(other.thread_, nullptr)),
      registers_(other.registers_),
      mask_(other.mask_),
      signal_(other.signal_),
      last_(other.last_),
      stop_came_(std::exchange(other.stop_came_, false)) {}

BorrowedThread::~BorrowedThread() {
  if (thread_ == nullptr) return;
  if (signal_ != 0) (void)!wait(Deadline::in(kGiveBackMax));
  (void)!give_back();  // it may be dead
}

Result<> BorrowedThread::run(const user_regs_struct& registers, int signal) {
  TRY(thread_->block_signals(~bit(signal)));
  TRY(thread_->set_registers(registers));
  TRY(thread_->resume());
  signal_ = signal;
  return {};
}

Result<> BorrowedThread::wait(Deadline deadline) {
  StopStatus stop = TRY(wait_past_group_stops(*thread_, &Tracee::resume_plainly, deadline));
  // Nobody can block it. It waits again as soon as the thread rests, and stops its process later.
  while (stop.delivering() && stop.signal() == SIGSTOP) {
    stop_came_ = true;
    TRY(thread_->resume());
    stop = TRY(wait_past_group_stops(*thread_, &Tracee::resume_plainly, deadline));
  }
  const int expected = std::exchange(signal_, 0);
  if (!stop.delivering() || stop.signal() != expected) return disturbed(stop.signal());
  last_ = expected;
  return {};
}

Result<> BorrowedThread::run_on(Deadline deadline) {
  if ((mask_ & bit(last_)) != 0) return disturbed(last_);  // it may be about to take it
  TRY(thread_->resume());
  signal_ = last_;
  return wait(deadline);
}

Error BorrowedThread::disturbed(int signal) const {
  return Error(ErrorClass::other, "thread " + std::to_string(thread_->tid().value) +
                                      " stopped by signal " + std::to_string(signal) +
                                      " while it was asked about its state");
}

Result<> BorrowedThread::rest() {
  TRY(thread_->set_registers(registers_));
  TRY(thread_->block_signals(mask_));
  if (std::exchange(stop_came_, false)) TRY_SYS(::kill(thread_->tid().value, SIGSTOP));
  return {};
}

Result<> BorrowedThread::give_back() {
  if (thread_ == nullptr) return {};
  Result<> rested = rest();
  thread_ = nullptr;
  return rested;
}

}  // namespace appshot
