// What a program puts into /dev: a folder with a file, a link, a device, a bound socket, and
// something mounted there.
#include "subject_mounts.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void check(int listener, struct sockaddr_un* name) {
  char text[50] = {0};
  struct stat info;
  check_text("/dev/subject/file", "in dev");
  CHECK_OK(readlink("/dev/subject-link", text, sizeof text));
  CHECK_STR(text, "subject");
  CHECK_OK(stat("/dev/subject/zero", &info));
  CHECK_EQ(info.st_rdev, makedev(1, 5));
  CHECK_EQ(info.st_mode, S_IFCHR | 0640);
  check_text("/dev/subject/on/file", "mounted");
  int client = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_OK(connect(client, (struct sockaddr*)name, sizeof *name));
  CHECK_OK(close((int)CHECK_OK(accept(listener, NULL, NULL))));
  CHECK_OK(close(client));
}

int main(void) {
  mounts_begin();
  if (subject_cycles() == 0) CHECK_OK(mount("dev", "/dev", "tmpfs", 0, NULL));
  CHECK_OK(mkdir("/dev/subject", 0755));
  CHECK_OK(mkdir("/dev/subject/on", 0755));
  write_text("/dev/subject/file", "in dev");
  write_text("/dev/subject/on/file", "covered");
  CHECK_OK(symlink("subject", "/dev/subject-link"));
  CHECK_OK(mknod("/dev/subject/zero", S_IFCHR | 0640, makedev(1, 5)));
  CHECK_OK(chmod("/dev/subject/zero", 0640));
  CHECK_OK(mount("on", "/dev/subject/on", "tmpfs", 0, NULL));
  write_text("/dev/subject/on/file", "mounted");
  int listener = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/dev/subject-log"};
  CHECK_OK(bind(listener, (struct sockaddr*)&name, sizeof name));
  CHECK_OK(listen(listener, 5));
  STEP("put there");
  check(listener, &name);
  CHECK_OK(umount("/dev/subject/on"));
  check_text("/dev/subject/on/file", "covered");
  subject_done();
}
