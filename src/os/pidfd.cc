#include "os/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {
namespace {

constexpr unsigned kPidfdThread = O_EXCL;

}  // namespace

Result<Pidfd> Pidfd::open(HostPid pid) {
  auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid.value, 0));
  // Not a process but one of its threads: possible since 6.9.
  if (fd < 0 && (errno == EINVAL || errno == ENOENT))
    fd = static_cast<int>(::syscall(SYS_pidfd_open, pid.value, kPidfdThread));
  if (fd < 0) return Error::from_errno(errno, "pidfd_open " + std::to_string(pid.value));
  return Pidfd(UniqueFd(fd));
}

void Pidfd::send(int signal) const {
  (void)!::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0);
}

Result<UniqueFd> Pidfd::take_copy(int descriptor) const {
  auto fd = static_cast<int>(::syscall(SYS_pidfd_getfd, fd_.get(), descriptor, 0));
  if (fd < 0) return Error::from_errno(errno, "pidfd_getfd " + std::to_string(descriptor));
  return UniqueFd(fd);
}

}  // namespace appshot
