// posix_spawn of a program whose standard input is a named pipe: until somebody writes to it the
// child does not get as far as its program.
#include "subject.h"

#include <spawn.h>

extern char** environ;

static int program(void) {
  char text[8] = "";
  return read(0, text, 4) == 4 && strcmp(text, "told") == 0 ? 9 : 1;
}

static int spawn(const char* self, const char* fifo) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
  CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 0, fifo, O_RDONLY, 0), 0);
  CHECK_EQ(posix_spawnattr_init(&attributes), 0);
  CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID), 0);
  char* arguments[] = {(char*)self, "program", NULL};
  pid_t pid = 0;
  CHECK_EQ(posix_spawn(&pid, self, &actions, &attributes, arguments, environ), 0);
  CHECK_EQ(reap(pid), 9 << 8);
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "program") == 0) return program();
  char self[PATH_MAX];
  CHECK(realpath("/proc/self/exe", self) != NULL);
  const char* fifo = subject_path("fifo");
  CHECK_OK(mkfifo(fifo, 0600));
  pid_t parent = (pid_t)CHECK_OK(fork());
  if (parent == 0) _exit(spawn(self, fifo));
  wait_until_state(parent, parent, 'D');
  STEP("not begun");
  wait_until_state(parent, parent, 'D');
  int writer = (int)CHECK_OK(open(fifo, O_WRONLY));
  CHECK_EQ(write(writer, "told", 4), 4);
  reap_ok(parent);
  subject_done();
}
