// Much memory that two processes share and both write to, through several snapshots while it runs.
#include "subject.h"

enum { kBytes = 48 << 20, kPage = 4096 };

static char stack[64 * 1024] __attribute__((aligned(16)));
static atomic_int ready, go;
static char* memory;

static int writer(void* arg) {
  ready = 1;
  for (unsigned round = 1; go == 0; ++round) {
    for (size_t at = 0; at < kBytes; at += 64 * kPage) *(unsigned*)(memory + at) = round;
    ready = (int)round + 1;
    nap_ms(1);
  }
  return 0;
}

static int rounds_grow(void) {
  int now = ready;
  wait_until(ready > now + 1);
  return 1;
}

int main(void) {
  memory =
      CHECK_MAP(mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fill_pattern(memory + kPage, kBytes / 2 - kPage, 7);
  memset(memory + kBytes / 2, 1, kBytes / 2);
  pid_t pid =
      (pid_t)CHECK_OK(clone(writer, stack + sizeof stack,
                            CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, NULL));
  wait_until_flag(&ready, 3);
  for (int i = 0; i < 3; ++i) {
    char name[16];
    snprintf(name, sizeof name, "round %d", i);
    memory[kBytes - kPage + i] = (char)('a' + i);
    STEP(name);
    CHECK(rounds_grow());
    CHECK_EQ(memory[kBytes - kPage + i], 'a' + i);
  }
  go = 1;
  reap_ok(pid);
  CHECK_MEM(memory + kBytes - kPage, "abc", 3);
  for (size_t at = 0; at < kBytes; at += 64 * kPage) CHECK_EQ(*(int*)(memory + at) > 2, 1);
  subject_done();
}
