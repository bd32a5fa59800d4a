// UNIX sockets by paths between networks, as sandboxes have them with their desktops: one that was
// accepted, one that waits to be, and datagrams.
#include "subject_net.h"

static int named(int type, const char* name) {
  struct name path = path_name(subject_path(name));
  int fd = (int)CHECK_OK(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  CHECK_OK(bind(fd, &path.any, path.size));
  return fd;
}

static int calling(int type, const char* name) {
  struct name path = path_name(subject_path(name));
  int fd = (int)CHECK_OK(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  CHECK_OK(connect(fd, &path.any, path.size));
  return fd;
}

static void say(int fd, const char* text) {
  CHECK_EQ(send(fd, text, strlen(text), 0), strlen(text));
}

static void expect(int fd, const char* text) {
  char buffer[64] = {0};
  CHECK_EQ(recv(fd, buffer, strlen(text), 0), strlen(text));
  CHECK_STR(buffer, text);
}

static void live(const struct peer* self) {
  CHECK_OK(unshare(CLONE_NEWNET));
  int first = calling(SOCK_STREAM, "stream"), datagram = calling(SOCK_DGRAM, "datagram");
  peer_tell(self, 0);
  for (;;) {
    peer_hear(self);
    int waits = calling(SOCK_STREAM, "stream");
    say(first, "first"), say(waits, "waits"), say(datagram, "datagram");
    peer_tell(self, 0);
    if (peer_hear(self) == 0) _exit(0);
    expect(first, "to the first"), expect(waits, "to who waited");
    CHECK_OK(close(waits));
    peer_tell(self, 0);
  }
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  int listener = named(SOCK_STREAM, "stream"), datagrams = named(SOCK_DGRAM, "datagram");
  CHECK_OK(listen(listener, 5));
  struct peer child = peer_fork();
  if (child.pid == 0) live(&child);
  int first = (int)CHECK_OK(accept(listener, NULL, NULL));
  peer_hear(&child);
  for (const char** step = (const char*[]){"waits", "again", NULL}; *step; ++step) {
    peer_tell(&child, 0), peer_hear(&child);
    STEP(*step);
    expect(first, "first"), expect(datagrams, "datagram");
    int waited = (int)CHECK_OK(accept(listener, NULL, NULL));
    expect(waited, "waits");
    say(first, "to the first"), say(waited, "to who waited");
    peer_tell(&child, 1), peer_hear(&child);
    CHECK_OK(close(waited));
  }
  peer_tell(&child, 0), peer_hear(&child);
  peer_tell(&child, 0), peer_end(&child);
  subject_done();
}
