// A child whose controlling terminal is one of ours: session, foreground group and /dev/tty stay,
// and what is typed and how the window changes reaches it as signals.
#include "subject_pty.h"

static volatile sig_atomic_t interrupts, changes;
static void count(int signo) { ++*(signo == SIGINT ? &interrupts : &changes); }

static void run_child(const struct peer* up, struct pty* pty) {
  struct winsize size;
  sigset_t none;
  sigemptyset(&none);
  CHECK_EQ(setsid(), getpid());
  CHECK_OK(close(pty->master));
  CHECK_OK(ioctl(pty->slave, TIOCSCTTY, 0));
  int tty = (int)CHECK_OK(open("/dev/tty", O_RDWR));
  CHECK(signal(SIGINT, count) != SIG_ERR);
  CHECK(signal(SIGWINCH, count) != SIG_ERR);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGWINCH);
  CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
  peer_tell(up, 0);
  while (!interrupts) sigsuspend(&none);
  CHECK_EQ(changes, 0);
  CHECK_EQ(interrupts, 1);
  peer_tell(up, 0);
  while (!changes) sigsuspend(&none);
  CHECK_OK(ioctl(tty, TIOCGWINSZ, &size));
  CHECK_EQ(size.ws_col, 123);
  CHECK_EQ(tcgetsid(tty), getpid());
  CHECK_EQ(tcgetpgrp(pty->slave), getpid());
  type(tty, "by the old way\n");
  tty = (int)CHECK_OK(open("/dev/tty", O_RDWR));
  type(tty, "by a new way\n");
  EXPECT(tty, "typed\n");
  _exit(0);
}

int main(void) {
  struct pty pty = open_pty();
  struct termios termios;
  CHECK_OK(tcgetattr(pty.slave, &termios));
  termios.c_lflag &= ~(tcflag_t)ECHO;
  CHECK_OK(tcsetattr(pty.slave, TCSANOW, &termios));
  struct peer child = peer_fork();
  if (child.pid == 0) run_child(&child, &pty);
  peer_hear(&child);
  CHECK_OK(close(pty.slave));
  wait_until_blocked(child.pid, child.pid, "rt_sigsuspend");
  STEP("its terminal");
  CHECK_EQ(tcgetsid(pty.master), child.pid);
  CHECK_EQ(tcgetpgrp(pty.master), child.pid);
  wait_until_blocked(child.pid, child.pid, "rt_sigsuspend");
  type(pty.master, "\x03");
  peer_hear(&child);
  CHECK_OK(ioctl(pty.master, TIOCSWINSZ, &(struct winsize){50, 123, 0, 0}));
  EXPECT(pty.master, "by the old way\r\nby a new way\r\n");
  type(pty.master, "typed\n");
  peer_end(&child);
  subject_done();
}
