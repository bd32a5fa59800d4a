// Who holds the pager's descriptors should it die: a process that shares its table of descriptors
// and does nothing but wait. Without it the death of the pager would close the last descriptor of
// every userfaultfd, and what is still missing would read as zeros.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"
#include "pager/pager_page.h"

namespace appshot {

// How an instance is ended whose memory cannot be brought in any more.
struct EndOfInstance {
  UniqueFd init;    // pidfd of the instance's init
  UniqueFd kill;    // cgroup.kill of all its processes
  UniqueFd folder;  // that the record of its end goes to

  // Writes down why, kills every process, and returns when they are gone. Allocates nothing.
  void bring_about(const std::string& record) const;
};

struct Guard {  // a child of the pager
  pid_t pid = 0;
  UniqueFd process;  // pidfd
};

// `pager`: a pidfd of the calling process. When that dies before all is over, the guard ends the
// instance, leaving `record`.
Result<Guard> start_guard(int pager, const SharedPagerPage& page, const EndOfInstance& end,
                          const std::string& record);

}  // namespace appshot
