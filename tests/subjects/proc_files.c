// Files of /proc about processes and threads, held open: they go on being about the same ones, at
// the position where they were, as one open file for all who share it.
#include "subject.h"

#include <sys/epoll.h>

static atomic_int go;
static void* body(void* arg) {
  (void)arg;
  CHECK_OK(prctl(PR_SET_NAME, "held-thread"));
  go = 1;
  wait_until_flag(&go, 2);
  return NULL;
}

static void read_at(int fd, off_t at, char* text, size_t size) {
  memset(text, 0, size);
  CHECK_OK(lseek(fd, at, SEEK_SET));
  CHECK_OK(read(fd, text, size - 1));
}

static int open_of(pid_t pid, const char* file, int flags) {
  char path[96];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  return (int)CHECK_OK(open(path, flags));
}

static const char* line_of(char* text, const char* key) {
  char* line = strstr(text, key);
  CHECK(line != NULL);
  ++line;
  line[strcspn(line, "\n")] = 0;
  return line;
}

int main(void) {
  static char text[8192], first[256];
  struct thread thread;
  thread_start(&thread, body, NULL);
  wait_until_flag(&go, 1);
  int maps = open_of(getpid(), "maps", O_RDONLY);
  CHECK_EQ(read(maps, first, 40), 40);
  int mem = open_of(getpid(), "mem", O_RDWR);
  int status = (int)CHECK_OK(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  int folder = (int)CHECK_OK(open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
  int link = (int)CHECK_OK(open("/proc/self/exe", O_PATH | O_NOFOLLOW));
  int machine = (int)CHECK_OK(open("/proc/sys/kernel/pid_max", O_RDONLY));
  char path[96];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread.tid);
  int comm = (int)CHECK_OK(open(path, O_RDWR));
  int mounts = (int)CHECK_OK(open("/proc/self/mounts", O_RDONLY));
  int set = (int)CHECK_OK(epoll_create1(0));
  CHECK_OK(epoll_ctl(set, EPOLL_CTL_ADD, mounts,
                     &(struct epoll_event){.events = EPOLLPRI, .data.u32 = 7}));
  pid_t gone = (pid_t)CHECK_OK(fork());
  if (gone == 0) _exit(pause());
  int ended = open_of(gone, "stat", O_RDONLY);
  int ended_folder = open_of(gone, "", O_RDONLY | O_DIRECTORY);
  kill(gone, SIGKILL);
  reap(gone);

  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(chdir("/proc/self/task"));
    int above = open_of(getppid(), "cmdline", O_RDONLY);
    peer_tell(&child, 0);
    peer_hear(&child);
    char cwd[PATH_MAX];
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    snprintf(path, sizeof path, "/proc/%d/task", getpid());
    CHECK_STR(cwd, path);
    memset(text, 0, sizeof text);
    CHECK_OK(read(above, text, sizeof text - 1));
    CHECK(strstr(text, "proc_files") != NULL);
    // Shared with the parent: its position moves for both.
    CHECK_EQ(lseek(status, 0, SEEK_CUR), 0);
    CHECK_EQ(read(status, text, 5), 5);
    CHECK_MEM(text, "Name:", 5);
    peer_tell(&child, 0);
    _exit(0);
  }
  int below = open_of(child.pid, "stat", O_RDONLY);
  peer_hear(&child);
  int high = (int)CHECK_OK(fcntl(status, F_DUPFD, 300));

  STEP("files about processes");

  CHECK_EQ(lseek(maps, 0, SEEK_CUR), 40);
  read_at(maps, 0, text, sizeof text);
  CHECK_MEM(text, first, 40);
  static volatile int value = 41;
  int seen = 0;
  CHECK_EQ(pread(mem, &seen, sizeof seen, (off_t)&value), sizeof seen);
  CHECK_EQ(seen, 41);
  seen = 42;
  CHECK_EQ(pwrite(mem, &seen, sizeof seen, (off_t)&value), sizeof seen);
  CHECK_EQ(value, 42);
  CHECK_EQ(fcntl(status, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(high, F_GETFD), 0);
  snprintf(path, sizeof path, "%d", maps);
  CHECK_OK(faccessat(folder, path, F_OK, 0));
  CHECK_EQ(fcntl(link, F_GETFL) & O_PATH, O_PATH);
  memset(text, 0, sizeof text);
  CHECK_OK(readlinkat(link, "", text, sizeof text));
  CHECK(strstr(text, "proc_files") != NULL);
  read_at(machine, 0, text, sizeof text);
  CHECK(atoi(text) > 0);
  read_at(comm, 0, text, sizeof text);
  CHECK_STR(text, "held-thread\n");
  read_at(below, 0, text, sizeof text);
  CHECK_EQ(atoi(text), child.pid);
  CHECK_ERRNO(read(ended, text, 10), ESRCH);
  CHECK_ERRNO(openat(ended_folder, "stat", O_RDONLY), ESRCH);
  struct epoll_event event;
  CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
  CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, mounts, &event), EEXIST);
  peer_tell(&child, 0);
  peer_hear(&child);
  CHECK_EQ(lseek(status, 0, SEEK_CUR), 5);
  CHECK_EQ(lseek(high, 0, SEEK_CUR), 5);
  read_at(status, 0, text, sizeof text);
  snprintf(first, sizeof first, "Pid:\t%d", getpid());
  CHECK_STR(line_of(text, "\nPid:"), first);
  peer_end(&child);
  CHECK_ERRNO((lseek(below, 0, SEEK_SET), read(below, text, 10)), ESRCH);
  go = 2;
  thread_join(&thread);
  // Who waits for a thread is told a moment before the kernel lets go of it.
  wait_until((lseek(comm, 0, SEEK_SET), read(comm, text, 10)) < 0);
  CHECK_EQ(errno, ESRCH);
  subject_done();
}
