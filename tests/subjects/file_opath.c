// O_PATH descriptors of a file, a folder, a symbolic link and a deleted file name what they named.
#include "subject.h"

int main(void) {
  write_text(subject_path("file"), "content");
  write_text(subject_path("gone"), "gone");
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  CHECK_OK(symlink("file", subject_path("link")));
  int file = (int)CHECK_OK(open(subject_path("file"), O_PATH));
  int folder = (int)CHECK_OK(open(subject_path("folder"), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int link = (int)CHECK_OK(open(subject_path("link"), O_PATH | O_NOFOLLOW));
  int gone = (int)CHECK_OK(open(subject_path("gone"), O_PATH));
  CHECK_OK(unlink(subject_path("gone")));
  STEP("paths");
  char text[64] = {0}, path[64];
  CHECK_EQ(fcntl(file, F_GETFL) & O_PATH, O_PATH);
  CHECK_ERRNO(read(file, text, 1), EBADF);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  int fd = (int)CHECK_OK(open(path, O_RDONLY));
  CHECK_EQ(read(fd, text, sizeof text), 7);
  CHECK_STR(text, "content");
  CHECK_OK(faccessat(folder, ".", F_OK, 0));
  CHECK_OK(mkdirat(folder, "inner", 0755));
  CHECK_OK(access(subject_path("folder/inner"), F_OK));
  CHECK_EQ(fcntl(folder, F_GETFD), FD_CLOEXEC);
  struct stat st;
  CHECK_OK(fstat(link, &st));
  CHECK(S_ISLNK(st.st_mode));
  memset(text, 0, sizeof text);
  CHECK_EQ(readlinkat(link, "", text, sizeof text), 4);
  CHECK_STR(text, "file");
  CHECK_OK(fstat(gone, &st));
  CHECK_EQ(st.st_nlink, 0);
  CHECK_EQ(st.st_size, 4);
  subject_done();
}
