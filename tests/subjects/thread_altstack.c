// Each thread keeps its alternate signal stack (address, size, flags), and its handlers run on it.
#include "subject.h"

enum { kCount = 3, kSize = 64 * 1024 };
static char stacks[kCount][kSize];
static atomic_int go, ready;
static _Thread_local void* handler_frame;

static void handler(int signo) {
  char here;
  handler_frame = &here;
  stack_t now;
  CHECK_OK(sigaltstack(NULL, &now));
  CHECK_EQ(now.ss_flags & SS_ONSTACK, SS_ONSTACK);
}

static void* body(void* arg) {
  long index = (long)arg;
  stack_t stack = {.ss_sp = stacks[index], .ss_size = kSize - (size_t)index * 1024}, now;
  CHECK_OK(sigaltstack(&stack, NULL));
  ++ready;
  wait_until_flag(&go, 1);
  CHECK_OK(sigaltstack(NULL, &now));
  CHECK_EQ(now.ss_sp, stack.ss_sp);
  CHECK_EQ(now.ss_size, stack.ss_size);
  CHECK_EQ(now.ss_flags, 0);
  raise(SIGUSR1);
  CHECK((char*)handler_frame >= stacks[index] && (char*)handler_frame < stacks[index] + kSize);
  return NULL;
}

int main(void) {
  struct thread threads[kCount];
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  CHECK_OK(sigaction(SIGUSR1, &action, NULL));
  for (long i = 0; i < kCount; ++i) thread_start(&threads[i], body, (void*)i);
  wait_until_flag(&ready, kCount);
  STEP("alternate stacks");
  stack_t mine;
  CHECK_OK(sigaltstack(NULL, &mine));
  CHECK_EQ(mine.ss_flags, SS_DISABLE);
  go = 1;
  for (int i = 0; i < kCount; ++i) thread_join(&threads[i]);
  subject_done();
}
