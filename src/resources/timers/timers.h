// A process's timers: the three interval timers (and so alarm) and POSIX timers with their ids.
// timerfd is a descriptor and has a folder of its own.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/pid_spaces.h"
#include "resources/process_source.h"
#include "trace/call_list.h"

namespace appshot::timers {

// /proc/PID/timers: what each POSIX timer is; how it stands only the process can ask.
std::vector<image::PosixTimerT> parse_posix_timers(std::string_view text);

class Questions {
 public:
  void ask(const std::vector<image::PosixTimerT>& posix, CallList& calls, DataSpace& data);
  Result<> collect(const CallList& calls, const DataSpace& data, image::ProcessT& process) const;

 private:
  uint64_t interval_ = 0;
  struct Posix {
    image::PosixTimerT timer;
    uint64_t value;
    size_t gettime_call, overrun_call;
  };
  std::vector<Posix> posix_;
};

// Timers are made when the threads they may signal exist, and set last of all.
void plan_create(const PidSpaces& spaces, const image::ProcessT& process, CallList& calls,
                 DataSpace& data);
void plan_set(const image::ImageT& image, const image::ProcessT& process, CallList& calls,
              DataSpace& data);

}  // namespace appshot::timers
