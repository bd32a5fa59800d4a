// kcmp(2): whether two processes share what /proc shows for each of them alone.
#pragma once

#include "base/result.h"
#include "os/pids.h"

namespace appshot {

enum class SharedPart { memory, descriptors, folders, actions, sem_undo };

// Both are false as well when either has gone.
bool share(HostPid a, HostPid b, SharedPart part);
bool differ(HostPid a, HostPid b, SharedPart part);

// In an order that is stable while both live; equal: they share it, or one has gone.
bool comes_before(HostPid a, HostPid b, SharedPart part);

// Whether two descriptors of two processes are one open file description: <0, 0, >0 in an order
// that is stable while both live.
Result<int> compare_open_files(HostPid a, int a_fd, HostPid b, int b_fd);

// One entry of an epoll set. The set keeps an entry for a file that is still open elsewhere when
// its descriptor is closed and its number used again: `occurrence` counts those of one number.
struct EpollEntry {
  HostPid process;
  int epoll_fd = -1;
  int target_fd = -1;
  unsigned occurrence = 0;
};

// Whether it watches the open file description behind a descriptor.
bool is_watched(const EpollEntry& entry, HostPid process, int fd);

}  // namespace appshot
