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
#include "resources/keys/keyrings.h"
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
  // Some thread of the process must be held.
  static Result<std::unique_ptr<ProcessQuestions>> begin(CaptureContext& context,
                                                         FrozenProcess& frozen,
                                                         const ProcessSource& source,
                                                         image::ProcessT& record);
  // What cannot be begun in one memory by two at once: when this is done, another may.
  Result<> ready() { return injection_->ready(soon()); }
  Result<> ask();
  // When all else of the record is there. `table`: of the one whose descriptors it has.
  Result<> collect(const ProcessSource& table);

  Result<> begin_end() { return injection_->begin_end(soon()); }
  Result<> end() { return injection_->end(soon()); }
  void forget() { injection_->forget(); }

  const ProcessSource& source() const { return source_; }
  const image::ProcessT& record() const { return record_; }
  // A further list of calls for it. `avoid`: signals, as a mask, that must not tell that it is
  // done.
  DataSpace new_data() { return injection_->new_data(); }
  Result<> perform(CallList& calls, DataSpace& data, uint64_t avoid = 0) {
    return perform_in(first_, calls, data, avoid);
  }

 private:
  ProcessQuestions(CaptureContext& context, FrozenProcess& frozen, const ProcessSource& source,
                   image::ProcessT& record, RemoteMemory remote);
  // For each wait anew: however long reading memory takes in between, an answer comes at once.
  static Deadline soon();
  InjectionTarget target(size_t thread, uint64_t avoid = 0) const;
  Result<> perform_in(size_t thread, CallList& calls, DataSpace& data, uint64_t avoid = 0) {
    return injection_->perform(target(thread, avoid), calls, data, soon());
  }
  uint64_t pending_for(size_t thread) const;
  Result<> look_at_waiting_signals();
  Result<> look_at_future_memory();
  Result<> ask_thread(size_t index);
  Result<> ask_close_on_exec();
  Result<> ask_notifications(const ProcessSource& table);
  Result<> ask_overruns();
  Result<> ask_which_continued();
  Result<std::vector<children::WhichContinued::Asked>> living_children() const;
  Result<std::vector<image::PosixTimerT>> posix_timers() const;
  Result<proc::Fields> status_of(size_t thread) const;

  CaptureContext& context_;
  FrozenProcess& frozen_;
  const ProcessSource& source_;
  image::ProcessT& record_;
  const RemoteMemory remote_;
  const size_t first_;  // of its threads: who answers for all; those that are not held cannot
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
  keys::Questions keys_;
};

}  // namespace appshot
