// Holds files of /proc that cannot be opened again as what they are: about memory that was given up
// for another program, and about a thread that has ended.
#include "subject.h"

static void* body(void* arg) {
  wait_until_flag(arg, 1);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc == 1) {
    int maps = (int)CHECK_OK(open("/proc/self/maps", O_RDONLY));
    CHECK_OK(dup2(maps, 77));
    execl("/proc/self/exe", argv[0], "again", NULL);
    FAIL("exec");
  }
  subject_expect(77, "given up for another program");
  static atomic_int go;
  struct thread thread;
  thread_start(&thread, body, &go);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread.tid);
  int fd = (int)CHECK_OK(open(path, O_RDONLY));
  go = 1;
  thread_join(&thread);
  subject_expect(fd, "a thread that has ended");
  subject_hold();
  subject_done();
}
