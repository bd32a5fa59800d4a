// What a frozen process tells about itself, because nobody else can see it.
//
// In steps, so that all processes of an application work at the same time: begin() and ask() only
// send it to work.
#pragma once

#include <memory>

#include "base/deadline.h"
#include "base/result.h"
#include "resources/attributes/attributes.h"
#include "resources/capture_context.h"
#include "resources/children/continued.h"
#include "resources/credentials/credentials.h"
#include "resources/process_source.h"
#include "resources/signals/signals.h"
#include "resources/threads/threads.h"
#include "resources/timers/fired_meanwhile.h"
#include "resources/timers/timers.h"
#include "trace/frozen_application.h"
#include "trace/injection.h"

namespace appshot {

class ProcessQuestions {
 public:
  // The references must stay. The memory of the process must have been looked at: from now on there
  // is an area of ours in it.
  static Result<std::unique_ptr<ProcessQuestions>> begin(CaptureContext& context,
                                                         FrozenProcess& frozen,
                                                         const ProcessSource& source,
                                                         image::ProcessT& record,
                                                         Deadline deadline);
  Result<> ask();
  // When all else of the record is there.
  Result<> collect();

  Result<> begin_end() { return injection_->begin_end(deadline_); }
  Result<> end() { return injection_->end(deadline_); }
  void forget() { injection_->forget(); }

  const ProcessSource& source() const { return source_; }
  Injection& injection() { return *injection_; }
  // The thread that a further list of calls shall be performed by. `avoid`: signals, as a mask,
  // that must not tell that it is done.
  InjectionTarget target(size_t thread, uint64_t avoid = 0);

 private:
  ProcessQuestions(CaptureContext& context, FrozenProcess& frozen, const ProcessSource& source,
                   image::ProcessT& record, RemoteMemory remote, Deadline deadline);
  uint64_t pending_for(size_t thread) const;
  Result<> look_at_waiting_signals();
  Result<> look_at_future_memory();
  Result<> ask_thread(size_t index);
  Result<> ask_notifications();
  Result<> ask_overruns();
  Result<> ask_which_continued();
  Result<std::vector<VirtualPid>> living_children() const;
  Result<std::vector<image::PosixTimerT>> posix_timers() const;
  Result<proc::Fields> status_of(size_t thread) const;

  CaptureContext& context_;
  FrozenProcess& frozen_;
  const ProcessSource& source_;
  image::ProcessT& record_;
  const RemoteMemory remote_;
  Deadline deadline_;
  std::unique_ptr<Injection> injection_;

  // The list that is in work.
  CallList calls_;
  DataSpace data_;
  timers::FiredTimers fired_before_;
  signals::ActionQuestions actions_;
  timers::Questions timers_;
  attributes::Questions attributes_;
  threads::Questions thread_;
  credentials::Questions credentials_;
  children::AnyContinued continued_;
};

}  // namespace appshot
