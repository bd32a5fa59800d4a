// Two UDP sockets at one port share what is sent to it: each datagram reaches one of them, also
// after; a third may join if it asks for that.
#include "subject_net.h"

enum { kSenders = 40 };

struct state {
  int fds[3];
  struct name at;
};

static int reusing_socket(int family, struct name at) {
  int fd = new_socket(family, SOCK_DGRAM | SOCK_NONBLOCK);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  CHECK_OK(bind(fd, &at.any, at.size));
  return fd;
}

static void send_many(int family, struct name at) {
  for (int i = 0; i < kSenders; ++i) {
    int sender = new_socket(family, SOCK_DGRAM);
    send_to(sender, "to any of you", at);
    CHECK_OK(close(sender));
  }
}

// Takes so many from all; how many of the sockets got any.
static int take(const int* fds, int sockets) {
  int left = kSenders, got[3] = {0}, with_any = 0;
  char bytes[32];
  while (left > 0) {
    struct pollfd polls[] = {
        {fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}, {fds[sockets - 1], POLLIN, 0}};
    CHECK(poll(polls, 3, 10000) > 0);
    for (int i = 0; i < sockets; ++i)
      for (; recv(fds[i], bytes, sizeof bytes, 0) == 13; ++got[i]) --left;
  }
  for (int i = 0; i < sockets; ++i) with_any += got[i] > 0;
  return with_any;
}

static void check(struct state* s, int family) {
  CHECK_EQ(take(s->fds, 2), 2);
  for (int i = 0; i < 2; ++i) {
    CHECK_NAME(name_of(s->fds[i]), s->at);
    CHECK_EQ(get_option(s->fds[i], SOL_SOCKET, SO_REUSEPORT), 1);
    CHECK_NOTHING(s->fds[i]);
  }
  send_many(family, s->at);
  CHECK_EQ(take(s->fds, 2), 2);
  CHECK_ERRNO(bind(new_socket(family, SOCK_DGRAM), &s->at.any, s->at.size), EADDRINUSE);
  s->fds[2] = reusing_socket(family, s->at);
  send_many(family, s->at);
  CHECK_EQ(take(s->fds, 3), 3);
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) {
    states[i].fds[0] = reusing_socket(family_of(i), loopback_name(family_of(i), 0));
    states[i].at = name_of(states[i].fds[0]);
    states[i].fds[1] = reusing_socket(family_of(i), states[i].at);
    send_many(family_of(i), states[i].at);
  }
  STEP("shared");
  for (int i = 0; i < 2; ++i) check(&states[i], family_of(i));
  subject_done();
}
