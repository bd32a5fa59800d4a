// Packet mode of a terminal (TIOCPKT): the mode, what happened that has not been told yet, output
// that is stopped.
#include "subject_pty.h"

static void expect_packet(int master, int status, const char* text) {
  char bytes[64] = {0};
  CHECK_EQ(read(master, bytes, sizeof bytes), 1 + strlen(text));
  CHECK_EQ(bytes[0], status);
  CHECK_STR(bytes + 1, text);
}

// What each has to tell, and how it came to that.
enum { kFlushed, kStopped, kWentOn, kNoStop, kDoStop, kExternal, kCount };
static const int statuses[kCount] = {TIOCPKT_FLUSHWRITE | TIOCPKT_FLUSHREAD,
                                     TIOCPKT_STOP,
                                     TIOCPKT_START,
                                     TIOCPKT_NOSTOP,
                                     TIOCPKT_DOSTOP,
                                     TIOCPKT_IOCTL};

static struct pty open_telling(int which) {
  struct pty pty = open_pty();
  struct termios settings;
  int on = 1;
  CHECK_OK(tcgetattr(pty.slave, &settings));
  if (which == kDoStop) settings.c_iflag &= ~(tcflag_t)IXON;
  CHECK_OK(tcsetattr(pty.slave, TCSANOW, &settings));
  CHECK_OK(ioctl(pty.master, TIOCPKT, &on));
  if (which == kFlushed) CHECK_OK(tcflush(pty.slave, TCIOFLUSH));
  if (which == kStopped || which == kWentOn) CHECK_OK(tcflow(pty.slave, TCOOFF));
  if (which == kWentOn) CHECK_OK(tcflow(pty.slave, TCOON));
  if (which == kNoStop || which == kDoStop) settings.c_iflag ^= IXON;
  if (which == kExternal) settings.c_lflag |= EXTPROC;
  CHECK_OK(tcsetattr(pty.slave, TCSANOW, &settings));
  CHECK(tty_events(pty.master) & POLLPRI);
  return pty;
}

static void check_telling(struct pty pty, int which) {
  struct termios settings;
  CHECK_OK(tcgetattr(pty.slave, &settings));
  CHECK_EQ((settings.c_iflag & IXON) != 0, which != kNoStop);
  CHECK_EQ((settings.c_lflag & EXTPROC) != 0, which == kExternal);
  expect_packet(pty.master, statuses[which], "");
  CHECK_QUIET(pty.master);
  if (which == kStopped) {
    CHECK_OK(fcntl(pty.slave, F_SETFL, O_RDWR | O_NONBLOCK));
    CHECK_ERRNO(write(pty.slave, "x", 1), EAGAIN);
    CHECK_OK(tcflow(pty.slave, TCOON));
    expect_packet(pty.master, TIOCPKT_START, "");
  }
  type(pty.slave, "goes on");
  expect_packet(pty.master, TIOCPKT_DATA, "goes on");
}

int main(void) {
  struct pty telling[kCount];
  for (int i = 0; i < kCount; ++i) telling[i] = open_telling(i);
  struct pty plain = open_pty(), told = open_pty(), stopped = open_pty();
  int on = 1, mode = -1;
  CHECK_OK(ioctl(plain.master, TIOCPKT, &on));
  CHECK_OK(ioctl(told.master, TIOCPKT, &on));
  CHECK_OK(ioctl(stopped.master, TIOCPKT, &on));
  type(plain.slave, "printed");
  wait_until(tty_unread(plain.master) == 7);
  CHECK_OK(tcflush(told.slave, TCIFLUSH));
  CHECK_OK(tcflow(stopped.slave, TCOOFF));
  wait_until(tty_events(told.master) & POLLPRI);
  wait_until(tty_events(stopped.master) & POLLPRI);
  expect_packet(stopped.master, TIOCPKT_STOP, "");
  STEP("packets");
  struct pty* ptys[] = {&plain, &told, &stopped};
  for (int i = 0; i < 3; ++i) {
    CHECK_OK(ioctl(ptys[i]->master, TIOCGPKT, &mode));
    CHECK_EQ(mode, 1);
  }
  CHECK_EQ(tty_events(plain.master), POLLIN);
  expect_packet(plain.master, TIOCPKT_DATA, "printed");
  CHECK_EQ(tty_events(told.master), POLLIN | POLLPRI);
  expect_packet(told.master, TIOCPKT_FLUSHREAD, "");
  CHECK_QUIET(told.master);
  CHECK_QUIET(stopped.master);
  CHECK_OK(fcntl(stopped.slave, F_SETFL, O_RDWR | O_NONBLOCK));
  CHECK_ERRNO(write(stopped.slave, "x", 1), EAGAIN);
  CHECK_OK(tcflow(stopped.slave, TCOON));
  expect_packet(stopped.master, TIOCPKT_START, "");
  type(stopped.slave, "goes on");
  expect_packet(stopped.master, TIOCPKT_DATA, "goes on");
  for (int i = 0; i < kCount; ++i) check_telling(telling[i], i);
  subject_done();
}
