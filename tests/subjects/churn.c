// Forks, execs, starts threads, maps memory and exits as fast as it can, checking itself, while
// snapshots happen.
#include "subject.h"

enum { kForkers = 2, kThreaders = 2 };
struct counters {
  atomic_long forks, execs, threads, maps;
};
static struct counters* counters;
static atomic_int stop;

static void* short_thread(void* arg) {
  long value = (long)arg;
  return (void*)(value * 7);
}

static void one_fork(unsigned seed) {
  char* memory =
      CHECK_MAP(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(memory, 65536, seed);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    check_pattern(memory, 65536, seed);
    if (seed % 4 == 0) {
      char number[16];
      snprintf(number, sizeof number, "%u", seed % 100);
      execl("/proc/self/exe", "churn", number, NULL);
      FAIL("execl");
    }
    pid_t grandchild = (pid_t)CHECK_OK(fork());
    if (grandchild == 0) _exit(5);
    if (reap(grandchild) != 5 << 8) _exit(101);
    _exit((int)(seed % 100));
  }
  int status = reap(child);
  if (status != (int)(seed % 100) << 8) FAIL("child %d ended with wait status %#x", child, status);
  CHECK_OK(munmap(memory, 65536));
  ++counters->forks;
  ++counters->maps;
  if (seed % 4 == 0) ++counters->execs;
}

static void* forker(void* arg) {
  for (unsigned seed = (unsigned)(long)arg; !stop; seed += 13) one_fork(seed);
  return NULL;
}

static void* threader(void* arg) {
  for (long value = (long)arg; !stop; ++value) {
    pthread_t threads[4];
    void* result;
    for (long i = 0; i < 4; ++i)
      CHECK_EQ(pthread_create(&threads[i], NULL, short_thread, (void*)(value + i)), 0);
    for (long i = 0; i < 4; ++i) {
      CHECK_EQ(pthread_join(threads[i], &result), 0);
      CHECK_EQ(result, (value + i) * 7);
    }
    counters->threads += 4;
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc == 2) return atoi(argv[1]);
  counters = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  struct thread threads[kForkers + kThreaders];
  for (long i = 0; i < kForkers + kThreaders; ++i)
    thread_start(&threads[i], i < kForkers ? forker : threader, (void*)i);
  const char* seconds =
      getenv("SUBJECT_CHURN_SECONDS");  // a limit; the runner's snapshots end it earlier
  long limit_ms = seconds ? atol(seconds) * 1000 : subject_cycles() ? 600000 : 300;
  long goal = subject_cycles() ? subject_generation() + subject_cycles() : 0;
  long long end = now_ms(CLOCK_MONOTONIC) + limit_ms;
  if (subject_cycles()) CHECK_EQ(write(1, "step churn\n", 11), 11);
  while (now_ms(CLOCK_MONOTONIC) < end) {
    if (subject_cycles() && subject_generation() >= goal) break;
    nap_ms(5);
  }
  if (subject_cycles() && !seconds) CHECK(subject_generation() >= goal);
  stop = 1;
  for (int i = 0; i < kForkers + kThreaders; ++i) thread_join(&threads[i]);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  char line[120];
  int size = snprintf(line, sizeof line, "%ld forks, %ld execs, %ld threads\n", counters->forks,
                      counters->execs, counters->threads);
  CHECK_EQ(write(1, line, (size_t)size), size);
  CHECK(counters->forks > 0 && counters->threads > 0);
  subject_done();
}
