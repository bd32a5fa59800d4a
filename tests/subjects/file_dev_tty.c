// /dev/tty held open: still the process's own terminal, with the settings it had. Without a
// terminal there is none to open.
#include "subject.h"

#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    CHECK_EQ(errno, ENXIO);
    STEP("without a terminal");
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    subject_done();
  }
  struct termios raw, now;
  CHECK_OK(tcgetattr(fd, &raw));
  cfmakeraw(&raw);  // lines come out as they are written
  CHECK_OK(tcsetattr(fd, TCSANOW, &raw));
  const pid_t session = (pid_t)CHECK_OK(tcgetsid(fd)), group = (pid_t)CHECK_OK(tcgetpgrp(fd));
  char name[64], again[64];
  CHECK_EQ(ttyname_r(STDOUT_FILENO, name, sizeof name), 0);
  STEP("with a terminal");
  CHECK_OK(tcgetattr(fd, &now));
  CHECK_EQ(now.c_lflag, raw.c_lflag);
  CHECK_EQ(tcgetsid(fd), session);
  CHECK_EQ(tcgetpgrp(fd), group);
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  CHECK_EQ(ttyname_r(STDOUT_FILENO, again, sizeof again), 0);
  CHECK_STR(again, name);
  CHECK_EQ(write(fd, "told by the terminal\n", 21), 21);
  subject_done();
}
