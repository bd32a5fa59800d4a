// What rootless sandboxes are made of: all kinds of namespaces begun by one clone() in a user
// namespace of its own, with a /proc and a root of its own, processes and threads in it.
#include "subject.h"

#include <sys/mount.h>

static atomic_int go_on;
static void* wait_in_thread(void* arg) {
  (void)arg;
  wait_until_flag(&go_on, 1);
  return (void*)(long)gettid_raw();
}

static uint64_t effective(void) {
  char text[4096];
  read_text("/proc/self/status", text, sizeof text);
  return strtoull(strstr(text, "CapEff:") + 7, NULL, 16);
}

static _Noreturn void live_inside(struct peer* outside) {
  peer_hear(outside);  // mapped
  CHECK_EQ(getpid(), 1);
  CHECK_EQ(getuid(), 0);
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  CHECK_OK(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
  CHECK_OK(mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"));
  write_text("/mnt/file", "inside");
  CHECK_OK(sethostname("sandbox", 7));
  const uint64_t can = effective();
  struct peer child = peer_fork();
  if (child.pid == 0) {
    pid_t grandchild = (pid_t)CHECK_OK(fork());
    if (grandchild == 0)
      for (;;) pause();
    struct thread thread;
    thread_start(&thread, wait_in_thread, NULL);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_EQ(getppid(), 1);
    atomic_store(&go_on, 1);
    CHECK_EQ((long)thread_join(&thread), thread.tid);
    CHECK_OK(kill(grandchild, SIGTERM));
    CHECK_EQ(WTERMSIG(reap(grandchild)), SIGTERM);
    _exit(0);
  }
  CHECK_EQ(child.pid, 2);
  peer_hear(&child);
  peer_tell(outside, 0);
  peer_hear(outside);
  CHECK_EQ(getpid(), 1);
  CHECK_EQ(getuid(), 0);
  CHECK_EQ(effective(), can);
  char text[200];
  read_text("/mnt/file", text, sizeof text);
  CHECK_STR(text, "inside");
  read_text("/proc/sys/kernel/hostname", text, sizeof text);
  CHECK_STR(text, "sandbox\n");
  read_text("/proc/1/comm", text, sizeof text);
  CHECK_STR(text, "space_user_pid\n");
  CHECK_OK(access("/proc/2/comm", R_OK));
  CHECK_ERRNO(access("/proc/9999/comm", R_OK), ENOENT);
  CHECK_OK(mount("tmpfs", "/srv", "tmpfs", 0, NULL));  // what it could do before it still can
  CHECK_OK(umount("/srv"));
  peer_tell(&child, 0);
  peer_end(&child);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  int to[2], from[2];
  CHECK_OK(pipe2(to, O_CLOEXEC));
  CHECK_OK(pipe2(from, O_CLOEXEC));
  const int kAll = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                   CLONE_NEWNET | CLONE_NEWCGROUP;
  pid_t pid = (pid_t)syscall(SYS_clone, kAll | SIGCHLD, NULL, NULL, NULL, 0);
  CHECK_OK(pid);
  if (pid == 0) {
    CHECK_OK(close(to[1]));
    CHECK_OK(close(from[0]));
    struct peer outside = {.pid = 0, .tell = from[1], .hear = to[0]};
    live_inside(&outside);
  }
  struct peer inside = {.pid = pid, .tell = to[1], .hear = from[0]};
  CHECK_OK(close(to[0]));
  CHECK_OK(close(from[1]));
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  write_text(path, "0 0 1");
  snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
  write_text(path, "0 0 1");
  peer_tell(&inside, 0);
  peer_hear(&inside);
  STEP("lived in");
  CHECK_OK(kill(pid, 0));
  STEP("again");
  peer_tell(&inside, 0);
  peer_end(&inside);
  subject_done();
}
