// Processes are stopped and let go on all the time, so that most snapshots find one that has a
// SIGSTOP on its way, which nobody can block.
#include "subject.h"

enum { kVictims = 4 };

struct shared {
  atomic_int end;
  atomic_long counts[kVictims], stops;
};

static _Noreturn void count(struct shared* shared, int index) {
  while (!shared->end) atomic_fetch_add(&shared->counts[index], 1);
  _exit(0);
}

static _Noreturn void stop_and_go(struct shared* shared, const pid_t* victims) {
  while (!shared->end) {
    for (int i = 0; i < kVictims; ++i) CHECK_OK(kill(victims[i], SIGSTOP));
    for (int i = 0; i < kVictims; ++i) CHECK_OK(kill(victims[i], SIGCONT));
    atomic_fetch_add(&shared->stops, 1);
  }
  _exit(0);
}

int main(void) {
  struct shared* shared = CHECK_MAP(
      mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t victims[kVictims];
  for (int i = 0; i < kVictims; ++i)
    if ((victims[i] = (pid_t)CHECK_OK(fork())) == 0) count(shared, i);
  const pid_t stopper = (pid_t)CHECK_OK(fork());
  if (stopper == 0) stop_and_go(shared, victims);
  static const char* const names[] = {"stopping", "again", "a third time", "a fourth"};
  for (int step = 0; step < 4; ++step) {
    STEP(names[step]);
    const long before = shared->stops;
    wait_until(shared->stops > before);
    for (int i = 0; i < kVictims; ++i) {
      const long count_before = shared->counts[i];
      wait_until(shared->counts[i] > count_before);
    }
  }
  shared->end = 1;
  reap_ok(stopper);
  for (int i = 0; i < kVictims; ++i) {
    CHECK_OK(kill(victims[i], SIGCONT));
    reap_ok(victims[i]);
  }
  subject_done();
}
