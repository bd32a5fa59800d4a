// Threads of one process that differ in everything the kernel keeps for each: groups, file system
// ids, the five capability sets, securebits, keepcaps and no_new_privs.
#include "subject.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>

struct state {
  unsigned uid[4], gid[4];
  unsigned groups[8], group_count;
  unsigned long long effective, permitted, inheritable, bounding, ambient;
  long securebits, keepcaps, no_new_privs, death_signal;
};

static void get(struct state* s) {
  memset(s, 0, sizeof *s);
  CHECK_OK(syscall(SYS_getresuid, &s->uid[0], &s->uid[1], &s->uid[2]));
  CHECK_OK(syscall(SYS_getresgid, &s->gid[0], &s->gid[1], &s->gid[2]));
  s->uid[3] = (unsigned)syscall(SYS_setfsuid, -1);
  s->gid[3] = (unsigned)syscall(SYS_setfsgid, -1);
  s->group_count = (unsigned)CHECK_OK(syscall(SYS_getgroups, 8, s->groups));
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  CHECK_OK(syscall(SYS_capget, &header, data));
  s->effective = data[0].effective | (unsigned long long)data[1].effective << 32;
  s->permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
  s->inheritable = data[0].inheritable | (unsigned long long)data[1].inheritable << 32;
  for (int cap = 0; cap < 64; ++cap) {
    if (prctl(PR_CAPBSET_READ, cap) == 1) s->bounding |= 1ull << cap;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) s->ambient |= 1ull << cap;
  }
  s->securebits = CHECK_OK(prctl(PR_GET_SECUREBITS));
  s->keepcaps = CHECK_OK(prctl(PR_GET_KEEPCAPS));
  s->no_new_privs = CHECK_OK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  int signal = 0;
  CHECK_OK(prctl(PR_GET_PDEATHSIG, &signal));
  s->death_signal = signal;
}

static unsigned long long bit(int cap) { return 1ull << cap; }

static void set_caps(unsigned long long e, unsigned long long p, unsigned long long i) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {
      {(unsigned)e, (unsigned)p, (unsigned)i},
      {(unsigned)(e >> 32), (unsigned)(p >> 32), (unsigned)(i >> 32)},
  };
  CHECK_OK(syscall(SYS_capset, &header, data));
}

enum { kThreads = 7 };
static atomic_int ready, go;

static void become(long which) {
  unsigned groups[3] = {100, 200 + (unsigned)which, 70000};
  switch (which) {
    case 0:  // as sshd's monitor serves a user
      CHECK_OK(syscall(SYS_setgroups, 3, groups));
      CHECK_OK(syscall(SYS_setresgid, 1001, 1002, 1003));
      CHECK_OK(syscall(SYS_setresuid, 1001, 1002, 1003));
      break;
    case 1:  // as a file server does
      CHECK_OK(syscall(SYS_setgroups, 1, groups));
      syscall(SYS_setfsgid, 3001);
      syscall(SYS_setfsuid, 3002);
      break;
    case 2:
      CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
      CHECK_OK(syscall(SYS_setresuid, 2000, 2000, 2000));
      set_caps(bit(CAP_NET_BIND_SERVICE), bit(CAP_NET_ADMIN) | bit(CAP_NET_BIND_SERVICE), 0);
      break;
    case 3:
      CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
      CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                            SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE));
      set_caps(bit(CAP_CHOWN), bit(CAP_CHOWN) | bit(CAP_KILL), bit(CAP_KILL));
      break;
    case 4:
      set_caps(bit(CAP_NET_RAW), bit(CAP_NET_RAW) | bit(CAP_SETUID), bit(CAP_NET_RAW));
      CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
      CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR2));
      break;
    case 5:
      CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
      CHECK_OK(syscall(SYS_setgroups, 0, NULL));
      break;
    default:  // nothing at all
      CHECK_OK(syscall(SYS_setresgid, 65534, 65534, 65534));
      CHECK_OK(syscall(SYS_setresuid, 65534, 65534, 65534));
      set_caps(0, 0, 0);
  }
}

static void* body(void* arg) {
  struct state before, after;
  become((long)arg);
  get(&before);
  ++ready;
  wait_until_flag(&go, 1);
  get(&after);
  if (memcmp(&before, &after, sizeof before) != 0)
    for (size_t i = 0; i < sizeof before; i += 4)
      if (memcmp((char*)&before + i, (char*)&after + i, 4) != 0)
        FAIL("thread %ld differs at byte %zu: %#x, was %#x", (long)arg, i,
             *(unsigned*)((char*)&after + i), *(unsigned*)((char*)&before + i));
  if ((long)arg == 0) CHECK_OK(syscall(SYS_setresuid, 1003, 1001, 1002));
  if ((long)arg == 6) CHECK_ERRNO(syscall(SYS_setresuid, 0, 0, 0), EPERM);
  return NULL;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct state before, after;
  struct thread threads[kThreads];
  get(&before);
  for (long i = 0; i < kThreads; ++i) {
    thread_start(&threads[i], body, (void*)i);
    wait_until_flag(&ready, (int)i + 1);
  }
  long dumpable = prctl(PR_GET_DUMPABLE);
  STEP("every thread its own");
  get(&after);
  CHECK_MEM(&after, &before, sizeof before);
  CHECK_EQ(prctl(PR_GET_DUMPABLE), dumpable);
  go = 1;
  for (int i = 0; i < kThreads; ++i) thread_join(&threads[i]);
  subject_done();
}
