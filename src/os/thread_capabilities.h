// The capabilities of the calling thread alone; the C library has functions for them without
// declaring any.
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {

// In two halves of 32 bits. As the system calls: -1 and errno when they fail.
inline int thread_capabilities(__user_cap_data_struct (&halves)[2]) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(::syscall(SYS_capget, &header, halves));
}
inline int set_thread_capabilities(const __user_cap_data_struct (&halves)[2]) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(::syscall(SYS_capset, &header, halves));
}

}  // namespace appshot
