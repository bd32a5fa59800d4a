// close-on-exec is a property of each descriptor, not of the file: kept for each, and exec honours
// it.
#include "subject.h"

int main(int argc, char** argv) {
  if (argc == 4) {  // after exec
    CHECK_ERRNO(fcntl(atoi(argv[1]), F_GETFD), EBADF);
    CHECK_EQ(fcntl(atoi(argv[2]), F_GETFD), 0);
    CHECK_EQ(lseek(atoi(argv[2]), 0, SEEK_CUR), 5);
    CHECK_ERRNO(fcntl(atoi(argv[3]), F_GETFD), EBADF);
    _exit(0);
  }
  write_text(subject_path("file"), "0123456789");
  int closed = (int)CHECK_OK(open(subject_path("file"), O_RDONLY | O_CLOEXEC));
  int kept = (int)CHECK_OK(dup(closed));
  int both = (int)CHECK_OK(dup3(closed, 200, O_CLOEXEC));
  CHECK_OK(lseek(closed, 5, SEEK_SET));
  STEP("cloexec");
  CHECK_EQ(fcntl(closed, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(kept, F_GETFD), 0);
  CHECK_EQ(fcntl(both, F_GETFD), FD_CLOEXEC);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    char numbers[3][16];
    snprintf(numbers[0], 16, "%d", closed);
    snprintf(numbers[1], 16, "%d", kept);
    snprintf(numbers[2], 16, "%d", both);
    execl("/proc/self/exe", "subject", numbers[0], numbers[1], numbers[2], NULL);
    FAIL("execl");
  }
  reap_ok(child);
  subject_done();
}
