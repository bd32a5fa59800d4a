// The ids of the calling thread alone. The C library's functions of these names change those of
// every thread it believes there is, and what it believes is wrong after fork_child.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace appshot {

// As the system calls: -1 and errno when they fail, and (id_t)-1 leaves an id as it is.
inline int set_thread_groups(size_t count, const gid_t* groups) {
  return static_cast<int>(::syscall(SYS_setgroups, count, groups));
}
inline int set_thread_gids(gid_t real, gid_t effective, gid_t saved) {
  return static_cast<int>(::syscall(SYS_setresgid, real, effective, saved));
}
inline int set_thread_uids(uid_t real, uid_t effective, uid_t saved) {
  return static_cast<int>(::syscall(SYS_setresuid, real, effective, saved));
}

}  // namespace appshot
