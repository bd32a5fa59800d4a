// Standard input, output and error closed or replaced in a child: closed stays closed, replaced
// stays replaced.
#include "subject.h"

int main(void) {
  struct peer child = peer_fork();
  if (child.pid == 0) {
    close(0);
    close(2);
    int fd = (int)CHECK_OK(open("/dev/null", O_RDONLY));
    CHECK_EQ(fd, 0);
    peer_tell(&child, 0);
    peer_hear(&child);
    char byte;
    if (read(0, &byte, 1) != 0) _exit(2);
    if (fcntl(2, F_GETFD) != -1 || errno != EBADF) _exit(3);
    if (dup(0) != 2) _exit(4);
    _exit(0);
  }
  peer_hear(&child);
  STEP("no stderr");
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
