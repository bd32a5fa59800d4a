// A process's smaller marks: what prctl, umask, personality and oom_score_adj hold.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"
#include "trace/call_list.h"

namespace appshot::attributes {

class Questions {
 public:
  void ask(CallList& calls, DataSpace& data);
  void collect(const CallList& calls, const DataSpace& data, const ProcessSource& source,
               image::ProcessT& process, Obstacles& obstacles) const;

 private:
  size_t dumpable_ = 0, thp_ = 0, brk_ = 0, barriers_ = 0, deny_write_execute_ = 0,
         memory_errors_ = 0, segments_ = 0;
  uint64_t subreaper_ = 0;
};

Result<> capture(const ProcessSource& source, image::ProcessT& process);

// By the process itself, while it still is our program.
Result<> apply_child(const image::ProcessT& process);
// Later, from the stub.
void plan(const image::ProcessT& process, CallList& calls);
// The kernel resets it when credentials change.
void plan_dumpable(const image::ProcessT& process, CallList& calls);

}  // namespace appshot::attributes
