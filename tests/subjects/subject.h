// What the subjects share: the STEP protocol (a snapshot and restore happens at each STEP when a
// runner asks for it, nothing otherwise), checks that print what differed, and helpers for peers,
// threads and blocked calls.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- the run ----

// The runner snapshots, stops and restores the whole application SUBJECT_CYCLES times while this
// call waits. Uses only open, read, close, write and nanosleep, on the calling thread.
// Async-signal-safe.
void subject_step(const char* name);
#define STEP(name) subject_step(name)

int subject_cycles(void);       // 0: native, STEP does nothing
int subject_is_clone(void);     // what has gone on last is a clone
long subject_generation(void);  // the counter that grows with each restore
_Noreturn void subject_done(void);
_Noreturn void subject_skip(const char* format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void subject_fail(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
void subject_on_exit(void (*cleanup)(void));  // run by the root process at its end, failed or not

// A folder of this run's own, made at the first call, removed at the end.
const char* subject_dir(void);
const char* subject_path(const char* name);  // subject_dir()/name; lives to the end

// Refusal subjects: what the refusal must say (this process, the descriptor if there is one, one of
// the words separated by |), then "hold" until stdin ends or SIGTERM comes.
enum { kNoDescriptor = -1, kAnyProcess = -2 };
void subject_expect(int descriptor, const char* words);
void subject_hold(void);

// ---- checks: each prints the expression, the value, what was expected, errno, file and line ----

#define FAIL(...) subject_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition) \
  ((condition) ? (void)0 : subject_fail(__FILE__, __LINE__, "%s is false", #condition))
#define CHECK_EQ(actual, expected) \
  subject_check_eq((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) subject_check_str(actual, expected, #actual, __FILE__, __LINE__)
#define CHECK_MEM(actual, expected, size) \
  subject_check_mem(actual, expected, size, #actual, __FILE__, __LINE__)
#define CHECK_OK(call) subject_check_ok((long)(call), #call, __FILE__, __LINE__)
#define CHECK_MAP(call) subject_check_map(call, #call, __FILE__, __LINE__)
#define CHECK_ERRNO(call, error) subject_check_errno((long)(call), error, #call, __FILE__, __LINE__)
#define CHECK_NEAR(actual, expected, tolerance)                                                   \
  subject_check_near((long long)(actual), (long long)(expected), (long long)(tolerance), #actual, \
                     __FILE__, __LINE__)

void subject_check_eq(long long actual, long long expected, const char* what, const char* file,
                      int line);
void subject_check_near(long long actual, long long expected, long long tolerance, const char* what,
                        const char* file, int line);
void subject_check_str(const char* actual, const char* expected, const char* what, const char* file,
                       int line);
void subject_check_mem(const void* actual, const void* expected, size_t size, const char* what,
                       const char* file, int line);
long subject_check_ok(long result, const char* what, const char* file, int line);
void* subject_check_map(void* map, const char* what, const char* file, int line);
void subject_check_errno(long result, int error, const char* what, const char* file, int line);

// ---- peers: a forked child and its parent, with a pipe each way ----

struct peer {
  pid_t pid;  // 0 in the child
  int tell, hear;
};
struct peer peer_fork(void);
void peer_tell(const struct peer* peer, long value);
long peer_hear(const struct peer* peer);  // fails when the other side is gone
void peer_end(struct peer* peer);         // waits for the child, which must exit with 0
// One for each body, which tells once when it is where it should be, and hears once that it may go
// on.
typedef void (*peer_body)(struct peer*);
void peers_start(struct peer* peers, const peer_body* bodies, int count);
void peers_end(struct peer* peers, int count);
void reap_ok(pid_t pid);
int reap(pid_t pid);  // its wait status

// ---- threads ----

struct thread {
  pthread_t handle;
  _Atomic pid_t tid;
  void* (*body)(void*);
  void* arg;
};
void thread_start(struct thread* thread, void* (*body)(void*),
                  void* arg);  // returns once tid is known
void* thread_join(struct thread* thread);
pid_t gettid_raw(void);

// Returns when thread tid of pid sleeps interruptibly in that system call ("read", "futex", ... or
// "any").
void wait_until_blocked(pid_t pid, pid_t tid, const char* syscall_name);
void wait_until_state(pid_t pid, pid_t tid, char state);  // as in /proc/PID/stat: S, T, Z, ...
// Bounded spin until *flag is at least value.
void wait_until_flag(const atomic_int* flag, int value);
#define wait_until(condition)                                            \
  do {                                                                   \
    long long wait_until_end_ = now_ns(CLOCK_MONOTONIC) + 20000000000LL; \
    while (!(condition)) {                                               \
      if (now_ns(CLOCK_MONOTONIC) > wait_until_end_)                     \
        subject_fail(__FILE__, __LINE__, "still not: %s", #condition);   \
      nap_ms(1);                                                         \
    }                                                                    \
  } while (0)

// ---- small things ----

long long now_ns(clockid_t clock);
long long now_ms(clockid_t clock);
void nap_ms(long ms);
// How long a timeout is that must still run at a STEP, and how far off it may end.
long timeout_ms(void);
enum { kToleranceMs = 500 };
size_t read_text(const char* path, char* buffer,
                 size_t size);  // NUL-terminated, fails when unreadable
void write_text(const char* path, const char* text);
void fill_pattern(void* memory, size_t size, unsigned seed);
void check_pattern(const void* memory, size_t size, unsigned seed);
size_t page_size(void);

// ---- the memory map, without what may legitimately differ (device and inode numbers, how
// anonymous neighbours with equal properties are split, flags of dirty tracking) ----

struct vma {
  unsigned long start, end, offset;
  char perms[5];
  char flags[100];  // VmFlags
  char path[160];
};
struct layout {
  int count;
  struct vma vmas[800];
};
void layout_read(struct layout* layout);
void layout_check_same(const struct layout* now, const struct layout* before);
const struct vma* layout_find(const struct layout* layout, const void* address);
