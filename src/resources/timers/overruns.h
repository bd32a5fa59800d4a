// A POSIX timer whose signal waits goes on counting: what the signal will say (si_overrun) is
// computed when it is taken, and nobody can see it before. So a snapshot takes the signal, and sets
// the timer so that it has expired just as often: it sends the signal again at once. A restore does
// only the latter.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "trace/call_list.h"

namespace appshot::timers {

// Of one timer of a process whose signals and timers have been captured, asked of its first thread
// in two lists of calls. What is lost if nobody asks the second is the count, never a later signal.
class OverrunQuestion {
 public:
  // Whose answers are told apart: the signal waits once, for the process, and from that timer.
  static std::vector<OverrunQuestion> all_of(image::ProcessT& process);

  void ask(CallList& calls, DataSpace& data);
  // Whether there was a signal to take.
  Result<bool> collect(const CallList& calls, const DataSpace& data);
  void send_again(CallList& calls, DataSpace& data) const;

 private:
  explicit OverrunQuestion(image::PosixTimerT& timer) : timer_(&timer) {}

  image::PosixTimerT* timer_;
  uint64_t info_ = 0, value_ = 0, now_ = 0;
  size_t taken_ = 0, valued_ = 0;
  int64_t now_ns_ = 0;  // of the timer's clock
};

// When a timer that is due `value` from now on first expired, if its signal waits and stands for
// `waiting_overrun` expirations more than one.
int64_t first_expiry_ns(const image::PosixTimerT& timer, int64_t now_ns);

// Signals that wait and will be sent by their timers themselves are not captured as such.
void forget_signals_sent_again(image::ProcessT& process);

}  // namespace appshot::timers
