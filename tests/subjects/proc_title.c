// A title written over argv (as setproctitle does) stays in /proc/self/cmdline, and can be changed
// again.
#include "subject.h"

static size_t room;
static void set_title(char* argv0, const char* title) {
  memset(argv0, 0, room);
  strncpy(argv0, title, room - 1);
}

static void check_title(const char* title) {
  char text[512];
  read_text("/proc/self/cmdline", text, sizeof text);
  CHECK_STR(text, title);
}

int main(int argc, char** argv) {
  room = strlen(argv[0]) + 1;
  CHECK(room > 9);
  set_title(argv[0], "worker 1");
  STEP("title");
  check_title("worker 1");
  set_title(argv[0], "worker 2");
  check_title("worker 2");
  STEP("another title");
  check_title("worker 2");
  subject_done();
}
