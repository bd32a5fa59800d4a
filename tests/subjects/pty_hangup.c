// Terminals with one side closed: without slaves the master reads what was left, then an error; a
// session without its master has been hung up, once.
#include "subject_pty.h"

static volatile sig_atomic_t hangups;
static void count(int signo) { ++hangups; }

static void run_session(const struct peer* up, struct pty* pty) {
  char byte;
  struct termios termios;
  CHECK_EQ(setsid(), getpid());
  CHECK_OK(close(pty->master));
  CHECK_OK(ioctl(pty->slave, TIOCSCTTY, 0));
  CHECK(signal(SIGHUP, count) != SIG_ERR);
  CHECK(signal(SIGCONT, SIG_IGN) != SIG_ERR);
  peer_tell(up, 0);
  wait_until(hangups == 1);
  for (int round = 0; round < 2; ++round) {
    CHECK_EQ(hangups, 1);
    CHECK_EQ(read(pty->slave, &byte, 1), 0);
    CHECK_ERRNO(write(pty->slave, "x", 1), EIO);
    CHECK_ERRNO(tcgetattr(pty->slave, &termios), EIO);
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_EQ(tty_events(pty->slave) & POLLHUP, POLLHUP);
    peer_tell(up, 0);
    peer_hear(up);
  }
  _exit(0);
}

int main(void) {
  char byte;
  struct pty left = open_pty(), gone = open_pty(), unheard = open_pty();
  make_raw(left.slave);
  type(left.slave, "left behind");
  wait_until(tty_unread(left.master) == 11);
  CHECK_OK(close(left.slave));
  CHECK_OK(close(unheard.master));  // a slave of nobody's session
  struct peer child = peer_fork();
  if (child.pid == 0) run_session(&child, &gone);
  peer_hear(&child);
  CHECK_OK(close(gone.slave));
  CHECK_OK(close(gone.master));
  peer_hear(&child);
  STEP("hung up");
  CHECK_EQ(tty_events(left.master), POLLIN | POLLHUP);
  EXPECT(left.master, "left behind");
  CHECK_ERRNO(read(left.master, &byte, 1), EIO);
  CHECK_EQ(tty_events(left.master), POLLHUP);
  CHECK_EQ(read(unheard.slave, &byte, 1), 0);
  CHECK_ERRNO(write(unheard.slave, "x", 1), EIO);
  CHECK_EQ(tty_events(unheard.slave) & POLLHUP, POLLHUP);
  CHECK_ERRNO(access(unheard.path, F_OK), ENOENT);
  peer_tell(&child, 0);
  peer_hear(&child);
  left.slave = (int)CHECK_OK(open(left.path, O_RDWR | O_NOCTTY));  // opened anew it works again
  CHECK_QUIET(left.master);
  type(left.slave, "again");
  EXPECT(left.master, "again");
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
