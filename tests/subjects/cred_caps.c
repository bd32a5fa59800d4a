// All five capability sets, securebits, keepcaps and no_new_privs, different per process.
#include "subject.h"

#include <linux/capability.h>
#include <linux/securebits.h>

struct sets {
  unsigned long long effective, permitted, inheritable, bounding, ambient;
  long securebits, keepcaps, no_new_privs;
};

static void get(struct sets* sets) {
  memset(sets, 0, sizeof *sets);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  CHECK_OK(syscall(SYS_capget, &header, data));
  sets->effective = data[0].effective | (unsigned long long)data[1].effective << 32;
  sets->permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
  sets->inheritable = data[0].inheritable | (unsigned long long)data[1].inheritable << 32;
  for (int cap = 0; cap < 64; ++cap) {
    if (prctl(PR_CAPBSET_READ, cap) == 1) sets->bounding |= 1ull << cap;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) sets->ambient |= 1ull << cap;
  }
  sets->securebits = CHECK_OK(prctl(PR_GET_SECUREBITS));
  sets->keepcaps = CHECK_OK(prctl(PR_GET_KEEPCAPS));
  sets->no_new_privs = CHECK_OK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void set_caps(unsigned long long e, unsigned long long p, unsigned long long i) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {
      {(unsigned)e, (unsigned)p, (unsigned)i},
      {(unsigned)(e >> 32), (unsigned)(p >> 32), (unsigned)(i >> 32)},
  };
  CHECK_OK(syscall(SYS_capset, &header, data));
}

static unsigned long long bit(int cap) { return 1ull << cap; }

static void prepare(int which) {
  if (which == 0) {  // each set with contents of its own
    unsigned long long permitted =
        bit(CAP_CHOWN) | bit(CAP_KILL) | bit(CAP_NET_RAW) | bit(CAP_NET_BIND_SERVICE);
    CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
    CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_MKNOD));
    CHECK_OK(
        prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP));
    set_caps(bit(CAP_CHOWN), permitted, bit(CAP_KILL) | bit(CAP_NET_RAW));
    CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
  } else if (which == 1) {  // kept over a change of user
    CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
    CHECK_OK(setresuid(2000, 2000, 2000));
    set_caps(0, bit(CAP_NET_ADMIN), 0);
  } else if (which == 2) {  // nothing at all, for good
    CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    set_caps(0, 0, 0);
  }
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer children[4];
  for (int i = 0; i < 4; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      struct sets before, after;
      prepare(i);
      get(&before);
      peer_tell(&children[i], 0);
      peer_hear(&children[i]);
      get(&after);
      CHECK_EQ(after.effective, before.effective);
      CHECK_EQ(after.permitted, before.permitted);
      CHECK_EQ(after.inheritable, before.inheritable);
      CHECK_EQ(after.bounding, before.bounding);
      CHECK_EQ(after.ambient, before.ambient);
      CHECK_EQ(after.securebits, before.securebits);
      CHECK_EQ(after.keepcaps, before.keepcaps);
      CHECK_EQ(after.no_new_privs, before.no_new_privs);
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  STEP("capabilities");
  for (int i = 0; i < 4; ++i) peer_tell(&children[i], 0), peer_end(&children[i]);
  subject_done();
}
