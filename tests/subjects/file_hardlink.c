// A file with two names opened by the one that is then deleted: it is still the file the other name
// shows.
#include "subject.h"

int main(void) {
  write_text(subject_path("one"), "content");
  CHECK_OK(link(subject_path("one"), subject_path("two")));
  int fd = (int)CHECK_OK(open(subject_path("one"), O_RDWR));
  CHECK_OK(unlink(subject_path("one")));
  STEP("one name left");
  struct stat by_fd, by_name;
  CHECK_OK(fstat(fd, &by_fd));
  CHECK_OK(stat(subject_path("two"), &by_name));
  CHECK_EQ(by_fd.st_nlink, 1);
  CHECK_EQ(by_fd.st_ino, by_name.st_ino);
  CHECK_EQ(pwrite(fd, "CONTENT", 7, 0), 7);
  char text[16];
  read_text(subject_path("two"), text, sizeof text);
  CHECK_STR(text, "CONTENT");
  CHECK_ERRNO(access(subject_path("one"), F_OK), ENOENT);
  CHECK_OK(link(subject_path("two"), subject_path("three")));
  CHECK_OK(fstat(fd, &by_fd));
  CHECK_EQ(by_fd.st_nlink, 2);
  subject_done();
}
