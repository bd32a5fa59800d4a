// Signals: what a process does about each, and those that wait to be delivered.
//
// Actions only the process itself can tell (ask, collect); pending ones the tracer sees. On restore
// everything is put back by the process itself: the kernel lets only a task queue to itself a
// signal that claims to come from elsewhere.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/pid_spaces.h"
#include "trace/call_list.h"
#include "trace/tracee.h"

namespace appshot::signals {

class ActionQuestions {
 public:
  void ask(CallList& calls, DataSpace& data);
  void collect(const DataSpace& data, image::ProcessT& process) const;

 private:
  uint64_t answers_ = 0;
};

Result<std::vector<std::unique_ptr<image::QueuedSignalT>>> capture_pending(const Tracee& thread,
                                                                           bool of_process);

void plan_actions(const image::ProcessT& process, CallList& calls, DataSpace& data);
// SIGCHLD alone: throws away what has come since, puts back what was pending.
void plan_child_signal_afresh(const PidSpaces& spaces, const image::ProcessT& process,
                              CallList& calls, DataSpace& data);
// SIGSTOP waits for it, which nobody can block: it is not among what is planned, since it would
// stop its process at once.
bool is_about_to_stop(const image::ProcessT& process);
void plan_pending_of_process(const PidSpaces& spaces, const image::ProcessT& process,
                             CallList& calls, DataSpace& data);
void plan_pending_of_thread(const PidSpaces& spaces, const image::ProcessT& process,
                            const image::ThreadT& thread, CallList& calls, DataSpace& data);

}  // namespace appshot::signals
