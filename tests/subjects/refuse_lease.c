// A lease for writing of a file in memory: to read the file would break it.
#include "subject.h"

static const char* path;
static void remove_file(void) { unlink(path); }

int main(void) {
  path = "/dev/shm/subject-leased";
  int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  subject_on_exit(remove_file);
  CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
  subject_expect(fd, "lease for writing");
  subject_hold();
  CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
  subject_done();
}
