// A program whose file was deleted runs on, with /proc/self/exe saying so and still readable.
#include "subject.h"

static void copy_self(const char* path) {
  int in = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
  int out = (int)CHECK_OK(open(path, O_WRONLY | O_CREAT, 0755));
  struct stat st;
  CHECK_OK(fstat(in, &st));
  for (off_t left = st.st_size; left > 0;)
    left -= CHECK_OK(copy_file_range(in, NULL, out, NULL, (size_t)left, 0));
  CHECK_OK(close(in));
  CHECK_OK(close(out));
}

int main(int argc, char** argv) {
  if (argc == 1) {
    const char* path = subject_path("program");
    copy_self(path);
    pid_t child = (pid_t)CHECK_OK(fork());
    if (child == 0) {
      execl(path, path, "copy", NULL);
      FAIL("execl");
    }
    reap_ok(child);
    subject_done();
  }
  CHECK_OK(unlink(argv[0]));
  char expected[PATH_MAX], link[PATH_MAX] = {0};
  snprintf(expected, sizeof expected, "%s (deleted)", argv[0]);
  CHECK_OK(readlink("/proc/self/exe", link, sizeof link - 1));
  CHECK_STR(link, expected);
  STEP("program deleted");
  memset(link, 0, sizeof link);
  CHECK_OK(readlink("/proc/self/exe", link, sizeof link - 1));
  CHECK_STR(link, expected);
  char magic[5] = {0};
  int fd = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
  CHECK_EQ(read(fd, magic, 4), 4);
  CHECK_STR(magic, "\177ELF");
  CHECK_OK(close(fd));
  CHECK_ERRNO(access(argv[0], F_OK), ENOENT);
  _exit(0);
}
