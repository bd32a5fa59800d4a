// Write ends of pipes are held by processes that live for a moment: each makes the next and ends.
// Who looks at one process after the other finds nobody who holds them.
#include "subject.h"

enum { kChains = 3, kMemory = 24 << 20 };

struct shared {
  atomic_int end;
  atomic_int links[kChains];
};

static _Noreturn void chain(struct shared* shared, int index, int end) {
  for (;;) {
    atomic_fetch_add(&shared->links[index], 1);
    if (shared->end) {
      CHECK_EQ(write(end, "x", 1), 1);
      _exit(0);
    }
    if (CHECK_OK(fork()) != 0) _exit(0);
  }
}

int main(void) {
  CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  struct shared* shared = CHECK_MAP(
      mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int read_ends[kChains];
  for (int i = 0; i < kChains; ++i) {
    int ends[2];
    CHECK_OK(pipe2(ends, O_CLOEXEC));
    const pid_t first = (pid_t)CHECK_OK(fork());
    if (first == 0) chain(shared, i, ends[1]);
    CHECK_OK(close(ends[1]));
    read_ends[i] = ends[0];
  }
  // Enough to be copied while the application runs.
  void* memory =
      CHECK_MAP(mmap(NULL, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(memory, kMemory, 1);
  CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
  static const char* const names[] = {"passed on", "again",   "a third time",
                                      "a fourth",  "a fifth", "a sixth"};
  for (int step = 0; step < 6; ++step) {
    for (int i = 0; i < kChains; ++i) {
      const int before = shared->links[i];
      wait_until(shared->links[i] > before + 10);
    }
    STEP(names[step]);
    check_pattern(memory, kMemory, 1);
  }
  shared->end = 1;
  for (int i = 0; i < kChains; ++i) {
    char text[2];
    CHECK_EQ(read(read_ends[i], text, sizeof text), 1);
    CHECK_EQ(read(read_ends[i], text, 1), 0);
  }
  subject_done();
}
