// A writer blocked on a full pipe and a reader blocked on an empty one stay blocked, lose nothing,
// and finish.
#include "subject.h"

static int full[2], empty[2];
static char sent[100000], received[100000];
static atomic_int wrote, got;

static void* writer(void* arg) {
  CHECK_EQ(write(full[1], sent, sizeof sent),
           sizeof sent);  // part of it is in the pipe at the restore
  wrote = 1;
  return NULL;
}

static void* reader(void* arg) {
  char byte = 0;
  CHECK_EQ(read(empty[0], &byte, 1), 1);
  got = byte;
  return NULL;
}

int main(void) {
  struct thread writing, reading;
  CHECK_OK(pipe(full));
  CHECK_OK(pipe(empty));
  fill_pattern(sent, sizeof sent, 3);
  thread_start(&writing, writer, NULL);
  thread_start(&reading, reader, NULL);
  wait_until_blocked(getpid(), writing.tid, "write");
  wait_until_blocked(getpid(), reading.tid, "read");
  STEP("full and empty");
  CHECK_EQ(wrote, 0);
  CHECK_EQ(got, 0);
  wait_until_blocked(getpid(), writing.tid, "write");
  wait_until_blocked(getpid(), reading.tid, "read");
  size_t n = 0;
  while (n < 30000) n += (size_t)CHECK_OK(read(full[0], received + n, 10000));
  wait_until_blocked(getpid(), writing.tid, "any");
  STEP("partly read");
  while (n < sizeof received)
    n += (size_t)CHECK_OK(read(full[0], received + n, sizeof received - n));
  thread_join(&writing);
  CHECK_MEM(received, sent, sizeof sent);
  CHECK_EQ(write(empty[1], "r", 1), 1);
  thread_join(&reading);
  CHECK_EQ(got, 'r');
  subject_done();
}
