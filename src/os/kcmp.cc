#include "os/kcmp.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {
namespace {

int kind_of(SharedPart part) {
  switch (part) {
    case SharedPart::memory:
      return KCMP_VM;
    case SharedPart::descriptors:
      return KCMP_FILES;
    case SharedPart::folders:
      return KCMP_FS;
    case SharedPart::actions:
      return KCMP_SIGHAND;
    case SharedPart::sem_undo:
      return KCMP_SYSVSEM;
  }
  return -1;
}

}  // namespace

bool share(HostPid a, HostPid b, SharedPart part) {
  return ::syscall(SYS_kcmp, a.value, b.value, kind_of(part), 0, 0) == 0;
}

bool differ(HostPid a, HostPid b, SharedPart part) {
  return ::syscall(SYS_kcmp, a.value, b.value, kind_of(part), 0, 0) > 0;
}

bool comes_before(HostPid a, HostPid b, SharedPart part) {
  return ::syscall(SYS_kcmp, a.value, b.value, kind_of(part), 0, 0) == 1;
}

Result<int> compare_open_files(HostPid a, int a_fd, HostPid b, int b_fd) {
  long order = ::syscall(SYS_kcmp, a.value, b.value, KCMP_FILE, a_fd, b_fd);
  if (order < 0) return Error::from_errno(errno, "kcmp");
  return order == 0 ? 0 : order == 1 ? -1 : 1;
}

bool is_watched(const EpollEntry& entry, HostPid process, int fd) {
  kcmp_epoll_slot slot{static_cast<uint32_t>(entry.epoll_fd),
                       static_cast<uint32_t>(entry.target_fd), entry.occurrence};
  return ::syscall(SYS_kcmp, process.value, entry.process.value, KCMP_EPOLL_TFD, fd, &slot) == 0;
}

}  // namespace appshot
