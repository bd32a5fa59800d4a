// open of a FIFO in progress, waiting for the other side: still waits after the restore, then both
// sides open.
#include "subject.h"

static const char* path;
static atomic_int opened;

static void* reader(void* arg) {
  char text[8] = {0};
  int fd = (int)CHECK_OK(open(path, O_RDONLY));
  opened = 1;
  CHECK_EQ(read(fd, text, sizeof text), 5);
  CHECK_STR(text, "hello");
  return NULL;
}

int main(void) {
  path = subject_path("fifo");
  CHECK_OK(mkfifo(path, 0600));
  struct thread thread;
  thread_start(&thread, reader, NULL);
  wait_until_blocked(getpid(), thread.tid, "openat");
  STEP("open in progress");
  CHECK_EQ(opened, 0);
  wait_until_blocked(getpid(), thread.tid, "openat");
  int fd = (int)CHECK_OK(open(path, O_WRONLY));
  CHECK_EQ(write(fd, "hello", 5), 5);
  thread_join(&thread);
  subject_done();
}
