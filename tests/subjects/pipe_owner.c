// Who may open a pipe by the name of its descriptor in /proc, the program's own streams included.
#include "subject.h"

#include <grp.h>

static void expect_access(int fd, mode_t mode, uid_t uid, gid_t gid) {
  struct stat info;
  CHECK_OK(fstat(fd, &info));
  CHECK(S_ISFIFO(info.st_mode));
  CHECK_EQ(info.st_mode & 07777, mode);
  CHECK_EQ(info.st_uid, uid);
  CHECK_EQ(info.st_gid, gid);
}

// By another user, who has nothing but that right.
static void write_by_name(int fd, uid_t user, const char* text) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    CHECK_OK(setgroups(0, NULL));
    CHECK_OK(setresgid(user, user, user));
    CHECK_OK(setresuid(user, user, user));
    int named = (int)CHECK_OK(open(name, O_WRONLY));
    CHECK_EQ(write(named, text, strlen(text)), strlen(text));
    _exit(0);
  }
  reap_ok(child);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  int own[2], plain[2];
  CHECK_OK(pipe(own));
  CHECK_OK(pipe(plain));
  CHECK_OK(fchown(own[0], 1234, 2345));
  CHECK_OK(fchmod(own[0], 0620));
  struct stat info;
  CHECK_OK(fstat(STDOUT_FILENO, &info));
  const int has_stream = S_ISFIFO(info.st_mode);
  if (has_stream) CHECK_OK(fchown(STDOUT_FILENO, 1234, 2345));
  write_by_name(own[1], 1234, "before");
  STEP("of another");
  expect_access(own[0], 0620, 1234, 2345);
  expect_access(own[1], 0620, 1234, 2345);
  expect_access(plain[0], 0600, 0, 0);
  write_by_name(own[1], 1234, " after");
  char text[64] = {0};
  CHECK_EQ(read(own[0], text, sizeof text), 12);
  CHECK(strcmp(text, "before after") == 0);
  if (has_stream) {
    expect_access(STDOUT_FILENO, info.st_mode & 07777, 1234, 2345);
    write_by_name(STDOUT_FILENO, 1234, "by its name\n");
  }
  subject_done();
}
