// A file, and a folder, renamed while open: the descriptors still are that file and that folder.
#include "subject.h"

int main(void) {
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  write_text(subject_path("folder/file"), "first");
  int folder = (int)CHECK_OK(open(subject_path("folder"), O_RDONLY | O_DIRECTORY));
  int fd = (int)CHECK_OK(openat(folder, "file", O_RDWR));
  CHECK_OK(rename(subject_path("folder/file"), subject_path("folder/renamed")));
  CHECK_OK(rename(subject_path("folder"), subject_path("moved")));
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  write_text(subject_path("folder/renamed"), "wrong");
  STEP("renamed");
  char text[64] = {0}, link[PATH_MAX] = {0}, path[64];
  CHECK_EQ(read(fd, text, sizeof text), 5);
  CHECK_STR(text, "first");
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  CHECK_OK(readlink(path, link, sizeof link - 1));
  CHECK_STR(link, subject_path("moved/renamed"));
  CHECK_EQ(write(fd, " and more", 9), 9);
  read_text(subject_path("moved/renamed"), text, sizeof text);
  CHECK_STR(text, "first and more");
  int made = (int)CHECK_OK(openat(folder, "made", O_CREAT | O_WRONLY, 0644));
  CHECK_OK(close(made));
  CHECK_OK(access(subject_path("moved/made"), F_OK));
  subject_done();
}
