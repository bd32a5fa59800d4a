#include "os/rights.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace appshot {

Result<> keep_only_rights(uint64_t mask) {
  TRY_SYS(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  TRY_SYS(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  // As far as the kernel knows any; newer ones have more than our headers name.
  for (unsigned right = 0; ::prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; ++right)
    if (right >= 64 || (mask >> right & 1) == 0) TRY_SYS(::prctl(PR_CAPBSET_DROP, right, 0, 0, 0));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3]{};
  TRY_SYS(::syscall(SYS_capget, &header, held));
  for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; ++half) {
    held[half].permitted &= static_cast<uint32_t>(mask >> (32 * half));
    held[half].effective = held[half].permitted;
    held[half].inheritable = 0;
  }
  TRY_SYS(::syscall(SYS_capset, &header, held));
  return {};
}

}  // namespace appshot
