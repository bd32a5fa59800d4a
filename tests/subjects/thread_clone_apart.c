// Processes that share descriptors or folders, and not memory: what one opens or closes, and where
// it goes, the others see; in a chain of them, with children of their own that share nothing.
#include "subject.h"

static char stacks[5][64 * 1024] __attribute__((aligned(16)));

struct shared {
  atomic_int ready, step, opened, result;
};
static struct shared* shared;

static void wait_for(int step) {
  while (shared->step < step) nap_ms(2);
}

static int use_files(void* arg) {
  char own[] = "memory of its own";
  pid_t child = fork();
  if (child == 0) {
    ++shared->ready;
    wait_for(1);
    CHECK_EQ(fcntl(100, F_GETFD), FD_CLOEXEC);  // it has a copy of its own
    CHECK_OK(close(100));
    _exit(0);
  }
  ++shared->ready;
  wait_for(1);
  CHECK_STR(own, "memory of its own");
  reap_ok(child);
  char text[8] = "";
  CHECK_EQ(read(100, text, 4), 4);
  CHECK_STR(text, "file");
  CHECK_OK(close(100));
  shared->opened = (int)CHECK_OK(open("/dev/null", O_RDWR));
  shared->step = 2;
  return 0;
}

static int chain_files(void* arg) {
  pid_t pid =
      (pid_t)CHECK_OK(clone(use_files, stacks[0] + sizeof stacks[0], CLONE_FILES | SIGCHLD, NULL));
  ++shared->ready;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) CHECK_EQ(errno, EINTR);
  wait_for(4);
  CHECK_ERRNO(fcntl(shared->opened, F_GETFD), EBADF);
  return status >> 8;
}

static int use_folders(void* arg) {
  ++shared->ready;
  wait_for(2);
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, subject_dir());
  CHECK_OK(chdir("/"));
  CHECK_EQ(umask(0), 031);
  CHECK_ERRNO(fcntl(shared->opened, F_GETFD), EBADF);
  shared->step = 3;
  wait_for(4);
  return 0;
}

static int use_both(void* arg) {
  ++shared->ready;
  wait_for(4);
  CHECK_ERRNO(fcntl(shared->opened, F_GETFD), EBADF);
  return access("on", F_OK) == 0 ? 0 : 1;
}

int main(void) {
  CHECK_OK(chdir(subject_dir()));
  umask(031);
  write_text("text", "file");
  shared = CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int file = (int)CHECK_OK(open("text", O_RDONLY));
  CHECK_EQ(dup3(file, 100, O_CLOEXEC), 100);
  pid_t files = (pid_t)CHECK_OK(
      clone(chain_files, stacks[1] + sizeof stacks[1], CLONE_FILES | SIGCHLD, NULL));
  pid_t folders =
      (pid_t)CHECK_OK(clone(use_folders, stacks[2] + sizeof stacks[2], CLONE_FS | SIGCHLD, NULL));
  pid_t both = (pid_t)CHECK_OK(
      clone(use_both, stacks[3] + sizeof stacks[3], CLONE_FS | CLONE_FILES | SIGCHLD, NULL));
  wait_until_flag(&shared->ready, 5);
  STEP("shared apart");
  shared->step = 1;
  wait_for(3);
  CHECK_ERRNO(fcntl(100, F_GETFD), EBADF);
  CHECK_OK(fcntl(shared->opened, F_GETFD));
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, "/");
  CHECK_EQ(umask(022), 0);
  CHECK_OK(chdir(subject_dir()));
  CHECK_OK(mkdir("on", 0755));
  STEP("used");
  CHECK_OK(close(shared->opened));
  shared->step = 4;
  reap_ok(files), reap_ok(folders), reap_ok(both);
  CHECK_OK(rmdir("on"));
  CHECK_OK(close(file));
  subject_done();
}
