// Seccomp filters: how many there are, on which thread, and what they forbid, also in a child
// forked afterwards.
#include "subject.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/utsname.h>

static void forbid(unsigned nr, unsigned error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  CHECK_OK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static long filters(void) {
  static char text[8192];
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", gettid_raw());
  read_text(path, text, sizeof text);
  return atol(strstr(text, "Seccomp_filters:") + 16);
}

static atomic_int go, ready;
static void* body(void* arg) {
  struct utsname name;
  long before = filters();
  forbid(SYS_uname, 123);  // of this thread alone
  ready = 1;
  wait_until_flag(&go, 1);
  CHECK_EQ(filters(), before + 1);
  CHECK_ERRNO(uname(&name), 123);
  CHECK_ERRNO(syscall(SYS_getppid), 121);
  return NULL;
}

int main(void) {
  struct utsname name;
  struct thread thread;
  long before = filters();
  forbid(SYS_getppid, 121);
  forbid(SYS_sysinfo, 122);
  thread_start(&thread, body, NULL);
  wait_until_flag(&ready, 1);
  STEP("filters");
  CHECK_EQ(filters(), before + 2);
  CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
  CHECK_ERRNO(syscall(SYS_getppid), 121);
  CHECK_ERRNO(syscall(SYS_sysinfo, &name), 122);
  CHECK_OK(uname(&name));
  go = 1;
  thread_join(&thread);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    CHECK_ERRNO(syscall(SYS_getppid), 121);
    CHECK_EQ(filters(), before + 2);
    _exit(0);
  }
  reap_ok(child);
  subject_done();
}
