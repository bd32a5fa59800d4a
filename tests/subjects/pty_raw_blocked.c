// Threads that read from both sides of a raw terminal, and one that writes to a full one, still
// wait, lose nothing, and finish.
#include "subject_pty.h"

enum { kMuch = 100000 };
static struct pty pty, full;
static atomic_int returned;
static char sent[kMuch], received[kMuch];

static void* reads_master(void* arg) {
  EXPECT(pty.master, "for the master");
  ++returned;
  return NULL;
}
static void* reads_slave(void* arg) {
  EXPECT(pty.slave, "for the slave");
  ++returned;
  return NULL;
}
static void* writes(void* arg) {
  CHECK_EQ(write(full.slave, sent, kMuch), kMuch);
  ++returned;
  return NULL;
}

int main(void) {
  void* (*const bodies[])(void*) = {reads_master, reads_slave, writes};
  static const char* const kCalls[] = {"read", "read", "write"};
  struct thread threads[3];
  fill_pattern(sent, kMuch, 6);
  pty = open_pty();
  full = open_pty();
  make_raw(pty.slave);
  make_raw(full.slave);
  for (int i = 0; i < 3; ++i) {
    thread_start(&threads[i], bodies[i], NULL);
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  }
  STEP("blocked");
  CHECK_EQ(returned, 0);
  for (int i = 0; i < 3; ++i) wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  type(pty.slave, "for the master");
  thread_join(&threads[0]);
  type(pty.master, "for the slave");
  thread_join(&threads[1]);
  for (size_t n = 0; n < kMuch;) n += (size_t)CHECK_OK(read(full.master, received + n, kMuch - n));
  CHECK_MEM(received, sent, kMuch);
  thread_join(&threads[2]);
  CHECK_EQ(returned, 3);
  CHECK_QUIET(full.master);
  subject_done();
}
