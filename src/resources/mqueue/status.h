// What a queue's file in the mqueue file system says: bytes in it, and who is to be notified.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace appshot::mqueues {

struct MqStatus {
  size_t bytes = 0;
  int notify = 0;  // SIGEV_*
  int signal = 0;
  pid_t notify_pid = 0;  // in the reader's own ids; 0: nobody
};

MqStatus parse_mq_status(std::string_view text);

}  // namespace appshot::mqueues
