// A mount namespace that nobody lives in, held open to be entered; programs that run from a file
// system in memory, with descriptors and a mapping that were made in another namespace.
#include "subject_mounts.h"

static struct mount_table table;

static void copy(const char* from, const char* to) {
  char block[65536];
  int in = (int)CHECK_OK(open(from, O_RDONLY)),
      out = (int)CHECK_OK(open(to, O_WRONLY | O_CREAT, 0755));
  for (ssize_t got; (got = read(in, block, sizeof block)) > 0;)
    CHECK_EQ(write(out, block, (size_t)got), got);
  CHECK_OK(close(in)), CHECK_OK(close(out));
}

static void stay(const char* name) {
  struct mount_table* before = &table;
  mounts_read(before);
  peer_tell(&(struct peer){.tell = 100, .hear = 101}, 0);
  peer_hear(&(struct peer){.tell = 100, .hear = 101});
  mounts_check_same(before);
  char link[PATH_MAX] = {0};
  CHECK_OK(readlink("/proc/self/exe", link, sizeof link - 1));
  CHECK_STR(link, name);
  check_text("/proc/self/comm", "program\n");
  _exit(0);
}

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "inside") == 0) stay(argv[2]);
  mounts_begin();
  CHECK_OK(mkdir(subject_path("on"), 0755));
  const char* program = subject_path("on/program");
  struct peer passing = peer_fork();
  if (passing.pid == 0) {
    own_mounts();
    CHECK_OK(mount("held", subject_path("on"), "tmpfs", 0, "size=64m"));
    write_text(subject_path("on/file"), "held");
    copy("/proc/self/exe", program);
    peer_tell(&passing, 0);
    peer_hear(&passing);
    _exit(0);
  }
  peer_hear(&passing);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", passing.pid);
  int space = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  peer_tell(&passing, 0);
  peer_end(&passing);
  STEP("held");
  CHECK_ERRNO(access(subject_path("on/file"), F_OK), ENOENT);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(setns(space, CLONE_NEWNS));
    check_text(subject_path("on/file"), "held");
    CHECK_OK(dup2(child.tell, 100));
    CHECK_OK(dup2(child.hear, 101));
    execl(program, "program", "inside", program, NULL);
    FAIL("execl %s", program);
  }
  peer_hear(&child);
  STEP("lived in");
  struct stat held, lived;
  CHECK_OK(fstat(space, &held));
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", child.pid);
  CHECK_OK(stat(path, &lived));
  CHECK_EQ(held.st_ino, lived.st_ino);
  peer_tell(&child, 0);
  peer_end(&child);
  STEP("left");
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(setns(space, CLONE_NEWNS));
  check_text(subject_path("on/file"), "held");
  CHECK_OK(umount2(subject_path("on"), MNT_DETACH));
  subject_done();
}
