// What belongs to one thread: registers with all of the extended state, names, the addresses it has
// registered with the kernel, its alternate signal stack.
#pragma once

#include <optional>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/process_dir.h"
#include "trace/call_list.h"
#include "trace/tracee.h"

namespace appshot::threads {

// From outside, while it is stopped.
Result<> capture(const Tracee& thread, const proc::Stat& stat, image::ThreadT& into);

class Questions {
 public:
  void ask(CallList& calls, DataSpace& data);
  void collect(const DataSpace& data, image::ThreadT& thread) const;

 private:
  uint64_t alt_stack_ = 0, clear_child_tid_ = 0, death_signal_ = 0, robust_list_ = 0,
           robust_length_ = 0;
};

void plan(const image::ThreadT& thread, CallList& calls, DataSpace& data);
// The kernel forgets it when credentials change.
void plan_parent_death_signal(const image::ThreadT& thread, CallList& calls);

// From outside, at the very end: the thread's registers, extended state and signal mask.
// `result`: of the timed call it waits in, when that has been begun anew.
Result<> put_back(Tracee& thread, const image::ThreadT& from, std::optional<int64_t> result);

}  // namespace appshot::threads
