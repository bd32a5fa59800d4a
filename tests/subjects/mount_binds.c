// Bind mounts of folders and of files, with options of their own, one on another, one that hides
// another, and changes of what was there, in the instance's own namespace: they are seen by all.
#include "subject_mounts.h"

static struct mount_table table;

static void make_folder(const char* name, const char* content) {
  char file[PATH_MAX];
  CHECK_OK(mkdir(subject_path(name), 0755));
  snprintf(file, sizeof file, "%s/file", subject_path(name));
  write_text(file, content);
}

static void bind(const char* from, const char* to, unsigned long options) {
  CHECK_OK(mount(subject_path(from), subject_path(to), NULL, MS_BIND, NULL));
  if (options) CHECK_OK(mount(NULL, subject_path(to), NULL, MS_BIND | MS_REMOUNT | options, NULL));
}

static void check(int held) {
  char text[20] = {0};
  mounts_check_same(&table);
  check_text(subject_path("target/file"), "source");
  check_text(subject_path("plain"), "source");
  check_text(subject_path("stack/file"), "upper");
  check_text(subject_path("moved/file"), "upper");
  CHECK_ERRNO(open(subject_path("target/file"), O_WRONLY), EROFS);
  CHECK_ERRNO(open(subject_path("target/new"), O_WRONLY | O_CREAT, 0600), EROFS);
  check_text(subject_path("memory/outer/file"), "source");
  CHECK_ERRNO(open(subject_path("memory/x"), O_WRONLY | O_CREAT, 0600), EROFS);
  CHECK_EQ(pread(held, text, sizeof text, 0), 6);
  CHECK_STR(text, "source");
  CHECK_ERRNO(access("/sys/kernel", F_OK), ENOENT);
}

int main(void) {
  mounts_begin();
  make_folder("source", "source");
  make_folder("other", "upper");
  make_folder("target", "hidden");
  make_folder("stack", "lowest");
  CHECK_OK(mkdir(subject_path("deep"), 0755));
  CHECK_OK(mkdir(subject_path("deep/inner"), 0755));
  write_text(subject_path("plain"), "plain");
  CHECK_OK(mkdir(subject_path("memory"), 0755));
  bind("source", "target", MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NOATIME);
  bind("source/file", "plain", MS_NODEV);
  bind("source", "stack", 0);
  bind("other", "stack", MS_NODIRATIME | MS_STRICTATIME);
  // What lies deeper is covered by what was mounted above it later.
  bind("source", "deep/inner", 0);
  bind("other", "deep", 0);
  CHECK_OK(mount("x y", subject_path("memory"), "tmpfs", 0, "mode=700,size=1m"));
  CHECK_OK(mkdir(subject_path("memory/outer"), 0755));
  CHECK_OK(mkdir(subject_path("memory/kept"), 0755));
  write_text(subject_path("memory/outer/covered"), "covered");
  bind("source", "memory/outer", 0);
  CHECK_OK(mount(NULL, subject_path("memory"), NULL, MS_REMOUNT | MS_RDONLY, "size=1m"));
  while (umount2("/sys", MNT_DETACH) == 0) {
  }
  CHECK_OK(mkdir(subject_path("moved"), 0755));
  CHECK_OK(mount(NULL, subject_path("memory"), NULL, MS_PRIVATE, NULL));
  CHECK_OK(mount(subject_path("deep"), subject_path("moved"), NULL, MS_MOVE, NULL));
  CHECK_OK(mount(NULL, "/dev/shm", NULL, MS_BIND | MS_REMOUNT | MS_NOEXEC | MS_NODEV, NULL));
  struct peer child = peer_fork();
  mounts_read(&table);
  int held = (int)CHECK_OK(open(subject_path("target/file"), O_RDONLY));
  if (child.pid == 0) {
    peer_hear(&child);
    check(held);
    _exit(0);
  }
  STEP("mounted");
  check(held);
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(umount(subject_path("memory/outer")));
  check_text(subject_path("memory/outer/covered"), "covered");
  CHECK_OK(umount(subject_path("stack")));
  check_text(subject_path("stack/file"), "source");
  CHECK_OK(umount(subject_path("moved")));
  check_text(subject_path("deep/inner/file"), "source");
  mounts_read(&table);
  STEP("fewer");
  mounts_check_same(&table);
  CHECK_OK(close(held));
  const char* kMounted[] = {"memory", "deep/inner", "stack", "plain", "target"};
  for (int i = 0; i < 5; ++i) CHECK_OK(umount(subject_path(kMounted[i])));
  check_text(subject_path("target/file"), "hidden");
  check_text(subject_path("plain"), "plain");
  subject_done();
}
