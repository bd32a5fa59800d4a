// A program that runs, a mapping and a device that is open, on a mount that forbids that since.
#include "subject_mounts.h"

#include <sys/sysmacros.h>

static void copy_own_program(const char* to) {
  static char bytes[1 << 20];
  int from = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
  int into = (int)CHECK_OK(open(to, O_WRONLY | O_CREAT, 0755));
  for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
    CHECK_EQ(write(into, bytes, (size_t)got), got);
  CHECK_OK(close(from));
  CHECK_OK(close(into));
}

int main(int argc, char** argv) {
  if (argc > 1) {
    char none;
    CHECK_EQ(write(STDOUT_FILENO, "x", 1), 1);
    (void)!read(STDIN_FILENO, &none, 1);
    return 0;
  }
  mounts_begin();
  own_mounts();
  const char* folder = strdup(subject_path("on"));
  CHECK_OK(mkdir(folder, 0755));
  CHECK_OK(mount("memory", folder, "tmpfs", 0, NULL));
  copy_own_program(path_in(folder, "program"));
  CHECK_OK(mknod(path_in(folder, "null"), S_IFCHR | 0666, makedev(1, 3)));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(dup2(child.tell, STDOUT_FILENO));
    CHECK_OK(dup2(child.hear, STDIN_FILENO));
    execl(path_in(folder, "program"), "program", "child", NULL);
    FAIL("it does not run");
  }
  char begun;
  CHECK_EQ(read(child.hear, &begun, 1), 1);
  int file = (int)CHECK_OK(open(path_in(folder, "program"), O_RDONLY));
  CHECK_MAP(mmap(NULL, page_size(), PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
  int device = (int)CHECK_OK(open(path_in(folder, "null"), O_RDWR));
  CHECK_OK(mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NODEV, NULL));
  subject_expect(kAnyProcess, "runs a program on a mount that has become noexec");
  subject_expect(kAnyProcess, "mapped, on a mount that has become noexec");
  subject_expect(device, "a device on a mount that has become nodev");
  subject_hold();
  CHECK_OK(close(child.tell));
  reap_ok(child.pid);
  CHECK_OK(mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND, NULL));
  CHECK_OK(close(device));
  CHECK_OK(umount2(folder, MNT_DETACH));  // it is mapped
  CHECK_OK(close(file));
  subject_done();
}
