// The application's root process itself has dropped its privileges; files it makes afterwards are
// its own.
#include "subject.h"

#include <grp.h>

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  CHECK_OK(chown(subject_dir(), 1234, 1234));
  const char* path = subject_path("mine");
  CHECK_OK(setgroups(0, NULL));
  CHECK_OK(setresgid(1234, 1234, 1234));
  CHECK_OK(setresuid(1234, 1234, 1234));
  STEP("unprivileged");
  CHECK_EQ(getuid(), 1234);
  CHECK_EQ(getgroups(0, NULL), 0);
  CHECK_ERRNO(setuid(0), EPERM);
  write_text(path, "x");
  struct stat st;
  CHECK_OK(stat(path, &st));
  CHECK_EQ(st.st_uid, 1234);
  CHECK_EQ(st.st_gid, 1234);
  subject_done();
}
