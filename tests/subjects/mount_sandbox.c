// A sandbox as programs make it: a root of its own in memory, with the system's folders bound into
// it read-only, /proc and /dev of its own, and the old root gone. What is inside has files open
// that were opened outside, and a program of its own is started there.
#include "subject_mounts.h"

static struct mount_table table;

static void bind_in(const char* root, const char* path, unsigned long options) {
  struct stat info;
  if (stat(path, &info) != 0) return;
  const char* target = path_in(root, path + 1);
  if (S_ISDIR(info.st_mode))
    CHECK_OK(mkdir(target, 0755));
  else
    CHECK_OK(close((int)CHECK_OK(open(target, O_CREAT | O_WRONLY, 0644))));
  CHECK_OK(mount(path, target, NULL, MS_BIND | MS_REC, NULL));
  if (options) CHECK_OK(mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | options, NULL));
}

static void build(const char* root) {
  own_mounts();
  CHECK_OK(mount("root", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
  for (const char** path = (const char*[]){"/usr", "/lib", "/lib64", "/bin", "/etc", NULL}; *path;
       ++path)
    bind_in(root, *path, MS_RDONLY | MS_NOSUID);
  CHECK_OK(mkdir(path_in(root, "proc"), 0755));
  CHECK_OK(mount("proc", path_in(root, "proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
  CHECK_OK(mkdir(path_in(root, "dev"), 0755));
  CHECK_OK(mount("tmpfs", path_in(root, "dev"), "tmpfs", MS_NOSUID, "mode=755"));
  for (const char** path = (const char*[]){"/dev/null", "/dev/zero", "/dev/urandom", NULL}; *path;
       ++path)
    bind_in(root, *path, 0);
  CHECK_OK(mkdir(path_in(root, "dev/pts"), 0755));
  CHECK_OK(mount("devpts", path_in(root, "dev/pts"), "devpts", MS_NOSUID | MS_NOEXEC,
                 "mode=620,ptmxmode=666"));
  CHECK_OK(mkdir(path_in(root, "tmp"), 01777));
  CHECK_OK(mkdir(path_in(root, "old"), 0700));
  CHECK_OK(chdir(root));
  CHECK_OK(syscall(SYS_pivot_root, ".", "old"));
  CHECK_OK(chdir("/"));
  CHECK_OK(umount2("/old", MNT_DETACH));
  CHECK_OK(rmdir("/old"));
}

static void check(int outside, int inside, int null) {
  char text[PATH_MAX] = {0};
  mounts_check_same(&table);
  CHECK_EQ(pread(outside, text, sizeof text, 0), 7);
  CHECK_STR(text, "outside");
  CHECK_EQ(pread(inside, text, sizeof text, 0), 6);
  CHECK_EQ(write(null, "x", 1), 1);
  check_text("/tmp/file", "inside");
  CHECK_ERRNO(access(subject_path("file"), F_OK), ENOENT);
  CHECK_ERRNO(mkdir("/etc/new", 0700), EROFS);
  CHECK_OK(access("/usr/bin/env", X_OK));
  memset(text, 0, sizeof text);
  CHECK_OK(readlink("/proc/self/cwd", text, sizeof text));
  CHECK_STR(text, "/tmp");
  snprintf(text, sizeof text, "/proc/%d/status", getpid());
  CHECK_OK(access(text, R_OK));
  int master = (int)CHECK_OK(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  CHECK_OK(close(master));
  CHECK_EQ(system("/bin/true < /dev/null > /dev/null"), 0);
}

int main(void) {
  mounts_begin();
  CHECK_OK(mkdir(subject_path("root"), 0755));
  write_text(subject_path("file"), "outside");
  int outside = (int)CHECK_OK(open(subject_path("file"), O_RDONLY));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    char root[PATH_MAX];
    snprintf(root, sizeof root, "%s", subject_path("root"));
    build(root);
    write_text("/tmp/file", "inside");
    int inside = (int)CHECK_OK(open("/tmp/file", O_RDONLY));
    int null = (int)CHECK_OK(open("/dev/null", O_RDWR));
    CHECK_OK(chdir("/tmp"));
    CHECK_OK(chmod("/tmp", 01777));
    mounts_read(&table);
    peer_tell(&child, 0);
    peer_hear(&child);
    check(outside, inside, null);
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_OK(chroot("/usr"));
    CHECK_OK(chdir("/bin"));
    peer_tell(&child, 0);
    peer_hear(&child);
    CHECK_OK(access("/bin/env", X_OK));
    CHECK_OK(access("env", X_OK));
    CHECK_ERRNO(access("/usr/bin/env", X_OK), ENOENT);
    _exit(0);
  }
  peer_hear(&child);
  STEP("inside");
  check_text(subject_path("file"), "outside");
  CHECK_ERRNO(access(subject_path("root/tmp"), F_OK), ENOENT);
  peer_tell(&child, 0);
  peer_hear(&child);
  STEP("asked");
  peer_tell(&child, 0);
  peer_hear(&child);
  STEP("root in root");
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
