// Raw terminals that take no more in either direction, and one that is stopped with something
// unread: all of it is read, in its order, and what comes next.
#include "subject_pty.h"

enum { kMost = 1 << 18 };

struct way {
  int from, to;
  size_t size;
};

static char all[kMost];

static void set_nonblocking(int fd, int on) {
  int flags = (int)CHECK_OK(fcntl(fd, F_GETFL));
  CHECK_OK(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

static void fill(struct way* way) {
  set_nonblocking(way->from, 1);
  fill_pattern(all, kMost, 3);
  for (int quiet = 0; quiet < 3;) {  // the kernel makes room by the way
    ssize_t now = write(way->from, all + way->size, 5000);
    quiet = now > 0 ? 0 : quiet + 1;
    if (now > 0)
      way->size += (size_t)now;
    else
      poll(NULL, 0, 20);
  }
  set_nonblocking(way->from, 0);
}

static void check(const struct way* way) {
  for (size_t n = 0; n < way->size;) n += (size_t)CHECK_OK(read(way->to, all + n, way->size - n));
  check_pattern(all, way->size, 3);
  CHECK_QUIET(way->to);
  CHECK_EQ(write(way->from, "more", 4), 4);
  char more[8] = {0};
  CHECK_EQ(read(way->to, more, sizeof more), 4);
  CHECK_STR(more, "more");
}

int main(void) {
  struct pty full = open_pty(), stopped = open_pty();
  struct way printed = {full.slave, full.master, 0}, typed = {full.master, full.slave, 0};
  make_raw(full.slave);
  make_raw(stopped.slave);
  fill(&printed);
  fill(&typed);
  CHECK(printed.size > 4096 && typed.size > 4096);
  CHECK_EQ(write(stopped.slave, "before", 6), 6);
  CHECK_OK(ioctl(stopped.slave, TCXONC, TCOOFF));
  STEP("full");
  check(&printed);
  check(&typed);
  EXPECT(stopped.master, "before");
  CHECK_EQ(poll(&(struct pollfd){stopped.slave, POLLOUT, 0}, 1, 0), 0);
  CHECK_OK(ioctl(stopped.slave, TCXONC, TCOON));
  CHECK_EQ(write(stopped.slave, "after", 5), 5);
  EXPECT(stopped.master, "after");
  subject_done();
}
