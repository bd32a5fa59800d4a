// See subject.h.
#include "subject.h"

#include <ftw.h>
#include <poll.h>
#include <stdarg.h>

static char generation_path[256] = "/run/appshot/generation";
static int cycles;
static pid_t root_pid;
static char dir[256];
static void (*cleanups[8])(void);
static int cleanup_count;

__attribute__((constructor)) static void subject_start(void) {
  const char* value = getenv("SUBJECT_CYCLES");
  if (value) cycles = atoi(value);
  value = getenv("SUBJECT_GENERATION_FILE");
  if (value) snprintf(generation_path, sizeof generation_path, "%s", value);
  root_pid = getpid();
}

// ---- the run ----

int subject_cycles(void) { return cycles; }

static void put(int fd, const char* text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t n = write(fd, text, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text += n;
    left -= (size_t)n;
  }
}

static size_t read_small(const char* path, char* buffer, size_t size) {
  int fd;
  do fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return 0;
  size_t used = 0;
  while (used + 1 < size) {
    ssize_t n = read(fd, buffer + used, size - 1 - used);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    used += (size_t)n;
  }
  close(fd);
  buffer[used] = 0;
  return used;
}

int subject_is_clone(void) {
  char text[32];
  return read_small("/run/appshot/event", text, sizeof text) > 0 && strncmp(text, "clone", 5) == 0;
}

long subject_generation(void) {
  char text[32];
  if (read_small(generation_path, text, sizeof text) == 0)
    subject_fail(__FILE__, __LINE__, "cannot read %s", generation_path);
  return strtol(text, NULL, 10);
}

void subject_step(const char* name) {
  if (cycles <= 0) return;
  int saved = errno;
  long goal = subject_generation() + cycles;
  char line[128] = "step ";
  strncat(line, name, sizeof line - 8);
  strcat(line, "\n");
  put(1, line);
  long long deadline = now_ns(CLOCK_MONOTONIC) + 60 * 1000000000LL;
  while (subject_generation() < goal) {
    if (now_ns(CLOCK_MONOTONIC) > deadline)
      subject_fail(__FILE__, __LINE__, "step %s: no restore came in 60 s", name);
    nap_ms(3);
  }
  errno = saved;
}

void subject_on_exit(void (*cleanup)(void)) {
  if (cleanup_count == (int)(sizeof cleanups / sizeof cleanups[0])) FAIL("too many cleanups");
  cleanups[cleanup_count++] = cleanup;
}

static int remove_entry(const char* path, const struct stat* st, int kind, struct FTW* walk) {
  (void)st, (void)kind, (void)walk;
  return remove(path);
}

static void clean_up(void) {
  if (syscall(SYS_getpid) != root_pid) return;
  while (cleanup_count > 0) cleanups[--cleanup_count]();
  if (dir[0]) nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void subject_done(void) {
  clean_up();
  put(1, "ok\n");
  _exit(0);
}

void subject_skip(const char* format, ...) {
  char reason[400], line[420];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  clean_up();
  snprintf(line, sizeof line, "skip: %s\n", reason);
  put(1, line);
  _exit(77);
}

void subject_fail(const char* file, int line, const char* format, ...) {
  int error = errno;
  char what[1200], text[1600];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  const char* base = strrchr(file, '/');
  snprintf(text, sizeof text, "FAIL %s:%d: %s [pid %ld tid %ld, errno %d: %s]\n",
           base ? base + 1 : file, line, what, syscall(SYS_getpid), syscall(SYS_gettid), error,
           strerror(error));
  put(2, text);
  clean_up();
  _exit(1);
}

const char* subject_dir(void) {
  if (!dir[0]) {
    const char* tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/subject-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) FAIL("mkdtemp(%s)", dir);
    CHECK_OK(chmod(dir, 0755));
  }
  return dir;
}

const char* subject_path(const char* name) {
  char* path = malloc(PATH_MAX);
  snprintf(path, PATH_MAX, "%s/%s", subject_dir(), name);
  return path;
}

void subject_expect(int descriptor, const char* words) {
  char line[300];
  if (descriptor > kAnyProcess) {
    snprintf(line, sizeof line, "expect process %d\n", getpid());
    put(1, line);
  }
  if (descriptor >= 0) {
    snprintf(line, sizeof line, "expect descriptor %d\n", descriptor);
    put(1, line);
  }
  snprintf(line, sizeof line, "expect words %s\n", words);
  put(1, line);
}

static volatile sig_atomic_t hold_over;
static void end_hold(int signo) { hold_over = signo; }

void subject_hold(void) {
  struct sigaction action = {.sa_handler = end_hold};
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, &before));
  CHECK_OK(sigaction(SIGTERM, &action, NULL));
  struct stat st;
  struct pollfd in = {.fd = 0, .events = POLLIN};
  if (fstat(0, &st) != 0 || S_ISCHR(st.st_mode)) in.fd = -1;  // no input to end: a signal must
  put(1, "hold\n");
  while (!hold_over) {
    char bytes[64];
    int ready = ppoll(&in, 1, NULL, &before);
    if (ready > 0 && read(0, bytes, sizeof bytes) <= 0) break;
    if (ready < 0 && errno != EINTR) FAIL("ppoll");
  }
  CHECK_OK(sigprocmask(SIG_SETMASK, &before, NULL));
}

// ---- checks ----

void subject_check_eq(long long actual, long long expected, const char* what, const char* file,
                      int line) {
  if (actual != expected)
    subject_fail(file, line, "%s is %lld (%#llx), expected %lld (%#llx)", what, actual, actual,
                 expected, expected);
}

void subject_check_near(long long actual, long long expected, long long tolerance, const char* what,
                        const char* file, int line) {
  if (actual < expected - tolerance || actual > expected + tolerance)
    subject_fail(file, line, "%s is %lld, expected %lld within %lld", what, actual, expected,
                 tolerance);
}

void subject_check_str(const char* actual, const char* expected, const char* what, const char* file,
                       int line) {
  if (strcmp(actual, expected) != 0)
    subject_fail(file, line, "%s is \"%s\", expected \"%s\"", what, actual, expected);
}

void subject_check_mem(const void* actual, const void* expected, size_t size, const char* what,
                       const char* file, int line) {
  const unsigned char *a = actual, *b = expected;
  for (size_t i = 0; i < size; ++i)
    if (a[i] != b[i])
      subject_fail(file, line, "%s differs at byte %zu of %zu: %#x, expected %#x", what, i, size,
                   a[i], b[i]);
}

long subject_check_ok(long result, const char* what, const char* file, int line) {
  if (result == -1) subject_fail(file, line, "%s failed", what);
  return result;
}

void* subject_check_map(void* map, const char* what, const char* file, int line) {
  if (map == MAP_FAILED) subject_fail(file, line, "%s failed", what);
  return map;
}

void subject_check_errno(long result, int error, const char* what, const char* file, int line) {
  if (result != -1) subject_fail(file, line, "%s gave %ld, expected errno %d", what, result, error);
  if (errno != error)
    subject_fail(file, line, "%s: expected errno %d (%s)", what, error, strerror(error));
}

// ---- peers ----

struct peer peer_fork(void) {
  int down[2], up[2];
  CHECK_OK(pipe(down));
  CHECK_OK(pipe(up));
  pid_t pid = (pid_t)CHECK_OK(fork());
  struct peer peer = {.pid = pid, .tell = pid ? down[1] : up[1], .hear = pid ? up[0] : down[0]};
  close(pid ? down[0] : down[1]);
  close(pid ? up[1] : up[0]);
  return peer;
}

void peer_tell(const struct peer* peer, long value) {
  ssize_t n;
  do n = write(peer->tell, &value, sizeof value);
  while (n < 0 && errno == EINTR);
  CHECK_EQ(n, sizeof value);
}

long peer_hear(const struct peer* peer) {
  long value = 0;
  ssize_t n;
  do n = read(peer->hear, &value, sizeof value);
  while (n < 0 && errno == EINTR);
  if (n == 0) FAIL("the other side (%d) is gone", peer->pid);
  CHECK_EQ(n, sizeof value);
  return value;
}

int reap(pid_t pid) {
  int status = 0;
  pid_t got;
  do got = waitpid(pid, &status, 0);
  while (got < 0 && errno == EINTR);
  CHECK_EQ(got, pid);
  return status;
}

void reap_ok(pid_t pid) {
  int status = reap(pid);
  if (status != 0) FAIL("child %d ended with wait status %#x", pid, status);
}

void peer_end(struct peer* peer) {
  close(peer->tell);
  reap_ok(peer->pid);
  close(peer->hear);
}

void peers_start(struct peer* peers, const peer_body* bodies, int count) {
  for (int i = 0; i < count; ++i) {
    peers[i] = peer_fork();
    if (peers[i].pid == 0) {
      bodies[i](&peers[i]);
      _exit(0);
    }
    peer_hear(&peers[i]);
  }
}

void peers_end(struct peer* peers, int count) {
  for (int i = 0; i < count; ++i) {
    peer_tell(&peers[i], 0);
    peer_end(&peers[i]);
  }
}

// ---- threads ----

pid_t gettid_raw(void) { return (pid_t)syscall(SYS_gettid); }

static void* thread_main(void* arg) {
  struct thread* thread = arg;
  thread->tid = gettid_raw();
  return thread->body(thread->arg);
}

void thread_start(struct thread* thread, void* (*body)(void*), void* arg) {
  thread->tid = 0;
  thread->body = body;
  thread->arg = arg;
  CHECK_EQ(pthread_create(&thread->handle, NULL, thread_main, thread), 0);
  wait_until(thread->tid != 0);
}

void* thread_join(struct thread* thread) {
  void* result;
  CHECK_EQ(pthread_join(thread->handle, &result), 0);
  return result;
}

static const struct {
  const char* name;
  long nr;
} kCalls[] = {
    {"read", SYS_read},
    {"write", SYS_write},
    {"poll", SYS_poll},
    {"ppoll", SYS_ppoll},
    {"select", SYS_select},
    {"pselect6", SYS_pselect6},
    {"futex", SYS_futex},
    {"futex_waitv", SYS_futex_waitv},
    {"wait4", SYS_wait4},
    {"waitid", SYS_waitid},
    {"nanosleep", SYS_nanosleep},
    {"clock_nanosleep", SYS_clock_nanosleep},
    {"pause", SYS_pause},
    {"epoll_wait", SYS_epoll_wait},
    {"epoll_pwait", SYS_epoll_pwait},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait},
    {"rt_sigsuspend", SYS_rt_sigsuspend},
    {"semop", SYS_semop},
    {"semtimedop", SYS_semtimedop},
    {"msgrcv", SYS_msgrcv},
    {"msgsnd", SYS_msgsnd},
    {"mq_timedreceive", SYS_mq_timedreceive},
    {"mq_timedsend", SYS_mq_timedsend},
    {"fcntl", SYS_fcntl},
    {"flock", SYS_flock},
    {"open", SYS_open},
    {"openat", SYS_openat},
    {"splice", SYS_splice},
    {"accept", SYS_accept},
    {"connect", SYS_connect},
    {"sendto", SYS_sendto},
    {"recvfrom", SYS_recvfrom},
    {"sendmsg", SYS_sendmsg},
    {"recvmsg", SYS_recvmsg},
};

static bool is_blocked_in(pid_t pid, pid_t tid, long nr) {
  char path[80], text[600];
  snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
  if (read_small(path, text, sizeof text) == 0) return false;
  const char* comm_end = strrchr(text, ')');
  if (!comm_end || comm_end[2] != 'S') return false;
  snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
  if (read_small(path, text, sizeof text) == 0 || strncmp(text, "running", 7) == 0) return false;
  long now = strtol(text, NULL, 10);
  return nr < 0 ? now >= 0 : now == nr || now == SYS_restart_syscall;
}

void wait_until_blocked(pid_t pid, pid_t tid, const char* syscall_name) {
  long nr = -2;
  if (strcmp(syscall_name, "any") == 0) nr = -1;
  for (size_t i = 0; i < sizeof kCalls / sizeof kCalls[0]; ++i)
    if (strcmp(kCalls[i].name, syscall_name) == 0) nr = kCalls[i].nr;
  if (nr == -2) FAIL("wait_until_blocked does not know %s", syscall_name);
  long long deadline = now_ns(CLOCK_MONOTONIC) + 20 * 1000000000LL;
  while (!is_blocked_in(pid, tid, nr)) {
    if (now_ns(CLOCK_MONOTONIC) > deadline)
      FAIL("thread %d of %d never blocked in %s", tid, pid, syscall_name);
    nap_ms(1);
  }
}

void wait_until_state(pid_t pid, pid_t tid, char state) {
  char path[80], text[600];
  snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
  long long deadline = now_ns(CLOCK_MONOTONIC) + 20 * 1000000000LL;
  for (;;) {
    const char* comm_end = read_small(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (comm_end && comm_end[2] == state) return;
    if (now_ns(CLOCK_MONOTONIC) > deadline)
      FAIL("thread %d of %d never in state %c: %s", tid, pid, state, text);
    nap_ms(1);
  }
}

void wait_until_flag(const atomic_int* flag, int value) { wait_until(*flag >= value); }

// ---- small things ----

long long now_ns(clockid_t clock) {
  struct timespec ts;
  clock_gettime(clock, &ts);
  return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

long long now_ms(clockid_t clock) { return now_ns(clock) / 1000000; }

void nap_ms(long ms) {
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
  syscall(SYS_nanosleep, &ts, NULL);
}

long timeout_ms(void) { return cycles > 0 ? 3000 : 700; }

size_t read_text(const char* path, char* buffer, size_t size) {
  errno = 0;
  size_t n = read_small(path, buffer, size);
  if (n == 0 && errno != 0) FAIL("cannot read %s", path);
  return n;
}

void write_text(const char* path, const char* text) {
  int fd = (int)CHECK_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
  CHECK_OK(close(fd));
}

static unsigned char pattern_byte(size_t i, unsigned seed) {
  size_t x = (i / 8 + 1) * 2654435761u + seed * 40503u;
  return (unsigned char)((x >> (i % 8 * 3)) ^ x >> 17);
}

void fill_pattern(void* memory, size_t size, unsigned seed) {
  unsigned char* bytes = memory;
  for (size_t i = 0; i < size; ++i) bytes[i] = pattern_byte(i, seed);
}

void check_pattern(const void* memory, size_t size, unsigned seed) {
  const unsigned char* bytes = memory;
  for (size_t i = 0; i < size; ++i)
    if (bytes[i] != pattern_byte(i, seed))
      FAIL("pattern %u at %p differs at byte %zu of %zu: %#x, expected %#x", seed, memory, i, size,
           bytes[i], pattern_byte(i, seed));
}

size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }
