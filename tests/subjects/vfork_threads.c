// A process in which two threads wait in vfork, each for its own child, while a third one runs and
// the first waits for all; one of the children begins a program, the other ends.
#include "subject.h"

static atomic_int counted, stop;
static int told[2][2], let[2][2];

// On the stack of its parent: nothing of the C library that needs a thread of its own.
static pid_t have_child(int which) {
  pid_t pid = vfork();
  if (pid != 0) return pid;
  char byte = 1;
  if (write(told[which][1], &byte, 1) != 1 || read(let[which][0], &byte, 1) != 1) _exit(1);
  if (which == 0) execl("/bin/sh", "sh", "-c", "exit 5", NULL);
  _exit(6);
}

static void* waits(void* arg) {
  const int which = (int)(long)arg;
  const int status = reap(have_child(which));
  return (void*)(long)(status >> 8);
}

static void* runs(void* arg) {
  while (!stop) {
    ++counted;
    nap_ms(1);
  }
  return NULL;
}

static void pass(int which) {
  char byte = 1;
  CHECK_EQ(write(let[which][1], &byte, 1), 1);
}

static void wait_until_told(int which) {
  char byte;
  CHECK_EQ(read(told[which][0], &byte, 1), 1);
}

int main(void) {
  struct thread threads[3];
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(pipe2(told[i], O_CLOEXEC));
    CHECK_OK(pipe2(let[i], O_CLOEXEC));
    thread_start(&threads[i], waits, (void*)(long)i);
    wait_until_told(i);
  }
  thread_start(&threads[2], runs, NULL);
  for (int i = 0; i < 2; ++i) wait_until_state(getpid(), threads[i].tid, 'D');
  STEP("two wait");
  int before = counted;
  wait_until_flag(&counted, before + 2);
  for (int i = 0; i < 2; ++i) wait_until_state(getpid(), threads[i].tid, 'D');
  pass(0);
  CHECK_EQ((long)thread_join(&threads[0]), 5);
  STEP("one waits");
  wait_until_state(getpid(), threads[1].tid, 'D');
  pass(1);
  CHECK_EQ((long)thread_join(&threads[1]), 6);
  stop = 1;
  thread_join(&threads[2]);
  subject_done();
}
