// What a long operation tells of how far it has come: now and then, not at every step.
#pragma once

#include "base/pace.h"
#include "protocol/channel.h"
#include "protocol/messages.h"

namespace appshot {

class Progress {
 public:
  Progress(Channel& channel, int64_t request) : channel_(channel), request_(request) {}

  void operator()(const char* phase, uint64_t done, uint64_t total) {
    if (!pace_.due()) return;
    (void)!channel_.send(make_progress(request_, phase, done, total));  // whoever asked may be gone
  }

 private:
  Channel& channel_;
  int64_t request_;
  Pace pace_;
};

}  // namespace appshot
