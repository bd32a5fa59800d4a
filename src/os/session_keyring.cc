#include "os/session_keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace appshot {

Result<> begin_key_session() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0 || errno == ENOSYS)
    return {};
  return Error::from_errno(errno, "keyctl(KEYCTL_JOIN_SESSION_KEYRING)");
}

}  // namespace appshot
