// A terminal of our own, both sides held: settings, window size, what waits on both sides, a line
// begun, its echo; and a raw one with bytes both ways.
#include "subject_pty.h"

static void check_settings(int fd, const struct termios* termios) {
  struct termios now;
  struct winsize size;
  CHECK_OK(tcgetattr(fd, &now));
  CHECK_EQ(now.c_iflag, termios->c_iflag);
  CHECK_EQ(now.c_oflag, termios->c_oflag);
  CHECK_EQ(now.c_cflag, termios->c_cflag);
  CHECK_EQ(now.c_lflag, termios->c_lflag);
  CHECK_MEM(now.c_cc, termios->c_cc, 19);  // as many as the kernel has
  CHECK_EQ(cfgetospeed(&now), B9600);
  CHECK_OK(ioctl(fd, TIOCGWINSZ, &size));
  CHECK_EQ(size.ws_row, 33);
  CHECK_EQ(size.ws_col, 99);
  CHECK_EQ(size.ws_xpixel, 640);
  CHECK_EQ(size.ws_ypixel, 480);
}

int main(void) {
  struct pty pty = open_pty(), raw = open_pty();
  struct winsize size = {33, 99, 640, 480};
  struct termios termios;
  CHECK_OK(tcgetattr(pty.slave, &termios));
  termios.c_iflag |= IXANY | IUTF8;
  termios.c_lflag &= ~(tcflag_t)ECHOCTL;
  termios.c_cc[VINTR] = 'X' - '@';
  CHECK_OK(cfsetspeed(&termios, B9600));
  CHECK_OK(tcsetattr(pty.slave, TCSANOW, &termios));
  CHECK_OK(tcgetattr(pty.slave, &termios));
  CHECK_OK(ioctl(pty.master, TIOCSWINSZ, &size));
  make_raw(raw.slave);
  type(pty.slave, "printed\n");
  EXPECT(pty.master, "pri");
  type(pty.master, "a line\nhalf a lix");
  wait_until(tty_unread(pty.master) == 6 + 8 + 10);  // the echo follows what was printed
  type(raw.master, "\x03 to the slave\n");
  type(raw.slave, "\x04 to the master\n");
  wait_until(tty_unread(raw.master) == 16 && tty_unread(raw.slave) == 15);
  STEP("held");
  check_settings(pty.master, &termios);
  check_settings(pty.slave, &termios);
  CHECK_EQ(fcntl(pty.master, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(pty.slave, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
  CHECK(isatty(pty.slave));
  CHECK_EQ(tty_unread(pty.slave), 7);  // half a line cannot be read
  EXPECT(pty.slave, "a line\n");
  CHECK_QUIET(pty.slave);
  EXPECT(pty.master, "nted\r\na line\r\nhalf a lix");
  type(pty.master, "\x7fne\n");
  EXPECT(pty.slave, "half a line\n");
  EXPECT(pty.master, "\b \bne\r\n");
  EXPECT(raw.slave, "\x03 to the slave\n");
  EXPECT(raw.master, "\x04 to the master\n");
  type(raw.master, "more");
  EXPECT(raw.slave, "more");
  type(pty.slave, "more\n");
  EXPECT(pty.master, "more\r\n");
  CHECK_QUIET(pty.master);
  CHECK_QUIET(raw.master);
  subject_done();
}
