// What the subjects with terminals of their own share: pairs, and exact reads and writes.
#pragma once

#include "subject.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
  int master, slave;
  char path[64];
};

static inline int open_master(char path[64]) {
  int fd = (int)CHECK_OK(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  CHECK_OK(grantpt(fd));
  CHECK_OK(unlockpt(fd));
  CHECK_EQ(ptsname_r(fd, path, 64), 0);
  return fd;
}

static inline struct pty open_pty(void) {
  struct pty pty;
  pty.master = open_master(pty.path);
  pty.slave = (int)CHECK_OK(open(pty.path, O_RDWR | O_NOCTTY));
  return pty;
}

static inline void make_raw(int fd) {
  struct termios termios;
  CHECK_OK(tcgetattr(fd, &termios));
  cfmakeraw(&termios);
  CHECK_OK(tcsetattr(fd, TCSANOW, &termios));
}

static inline void type(int fd, const char* text) {
  CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

// Reads exactly the text, waiting for it.
static inline void pty_expect(int fd, const char* text, const char* file, int line) {
  char bytes[256] = {0};
  size_t n = 0;
  while (n < strlen(text)) {
    ssize_t now = read(fd, bytes + n, strlen(text) - n);
    if (now <= 0) subject_fail(file, line, "read gave %zd after \"%s\"", now, bytes);
    n += (size_t)now;
  }
  subject_check_str(bytes, text, "what was read", file, line);
}
#define EXPECT(fd, text) pty_expect(fd, text, __FILE__, __LINE__)

static inline int tty_events(int fd) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLPRI};
  CHECK_OK(poll(&poll_fd, 1, 0));
  return poll_fd.revents;
}
#define CHECK_QUIET(fd) CHECK_EQ(tty_events(fd), 0)

static inline int tty_unread(int fd) {
  int n = -1;
  CHECK_OK(ioctl(fd, FIONREAD, &n));
  return n;
}
