// An instance's log as it grows: the lines that are there, then, if wanted, those that come, until
// the instance ends or the reader leaves.
#pragma once

#include <functional>
#include <string>

#include "node/event_log.h"

namespace appshot {

struct LogWish {
  std::string aid;
  std::string folder;  // the instance's state folder, which holds `log`
  bool follow = false;
  std::function<bool()> ended;  // nothing more will come
  int client = -1;              // hung up: nobody reads any more
};

// `write` gets whole lines, many at once.
Result<> stream_log(const LogWish& wish, EventLog& events,
                    const std::function<Result<>(std::string_view)>& write);

}  // namespace appshot
