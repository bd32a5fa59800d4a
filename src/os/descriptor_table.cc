#include "os/descriptor_table.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace appshot {

void reserve_descriptors(int count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const int highest =
      static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(count), limit.rlim_cur)) - 1;
  int any = ::open("/", O_PATH | O_CLOEXEC);
  int high = ::fcntl(any, F_DUPFD_CLOEXEC, highest);
  for (int fd : {any, high})
    if (fd >= 0) ::close(fd);
}

}  // namespace appshot
