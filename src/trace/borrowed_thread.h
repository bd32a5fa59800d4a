// A stopped thread that works for us for a while, and is afterwards exactly where it was.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "trace/tracee.h"

namespace appshot {

class BorrowedThread {
 public:
  static Result<BorrowedThread> borrow(Tracee& thread);
  BorrowedThread(BorrowedThread&& other) noexcept;
  ~BorrowedThread();  // gives it back, if nobody has

  const user_regs_struct& own_registers() const { return registers_; }
  uint64_t own_mask() const { return mask_; }

  // Lets it run from these registers on until it raises `signal`, the only one that reaches it.
  Result<> run(const user_regs_struct& registers, int signal);
  // Until it gets it; the signal is ours and nobody else sees it.
  Result<> wait(Deadline deadline);
  // It got the same signal from somebody else before it was done: nothing is lost if nobody waits
  // for it, and it runs on.
  Result<> run_on(Deadline deadline);
  Result<user_regs_struct> registers() const { return thread_->registers(); }

  // Puts it where it was, which is where it goes on should we die; it can be sent to work again.
  Result<> rest();
  Result<> give_back();
  // Its process is about to be killed.
  void forget() { thread_ = nullptr; }

 private:
  BorrowedThread(Tracee& thread, const user_regs_struct& registers, uint64_t mask)
      : thread_(&thread), registers_(registers), mask_(mask) {}
  Error disturbed(int signal) const;

  Tracee* thread_;
  user_regs_struct registers_;
  uint64_t mask_;
  int signal_ = 0;  // that ends the run it is in; 0: it stands still
  int last_ = 0;    // that ended the last
  bool stop_came_ = false;
};

}  // namespace appshot
