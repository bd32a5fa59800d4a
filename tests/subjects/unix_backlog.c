// A listener with as many connections waiting as it takes, none accepted, one closed by its client
// since: accepted in the order they came, with their clients' names; then it takes new ones.
#include "subject_net.h"

enum { kWaiting = 3 };

static void check(struct name at, int listener, int clients[], const struct name* names) {
  int servers[kWaiting], extra = new_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  CHECK_EQ(poll_now(listener, POLLIN), POLLIN);
  CHECK_ERRNO(connect(extra, &at.any, at.size), EAGAIN);  // no room for a fourth
  for (int i = 0; i < kWaiting; ++i) {
    struct name from = {.size = sizeof from.un};
    servers[i] = (int)CHECK_OK(accept(listener, &from.any, &from.size));
    CHECK_NAME(from, names[i]);
    CHECK_NAME(peer_name_of(servers[i]), names[i]);
    CHECK_NAME(name_of(servers[i]), at);
  }
  CHECK_EQ(poll_now(listener, POLLIN), 0);
  CHECK_END(servers[1]);
  CHECK_SEND_ERRNO(servers[1], EPIPE);
  for (int i = 0; i < kWaiting; i += 2) {
    CHECK_NAME(name_of(clients[i]), names[i]);
    CHECK_NAME(peer_name_of(clients[i]), at);
    CONVERSE(clients[i], servers[i]);
  }
  CHECK_OK(connect(extra, &at.any, at.size));
  CHECK_OK(fcntl(extra, F_SETFL, 0));
  CONVERSE(extra, accepted_socket(listener));
}

int main(void) {
  static const char* const kNames[2][kWaiting] = {{"a0", "a1", "a2"}, {"p0", "p1", "p2"}};
  struct name at[2] = {abstract_name("backlog"), path_name(subject_path("backlog"))};
  struct name names[2][kWaiting];
  int listeners[2], clients[2][kWaiting];
  for (int l = 0; l < 2; ++l) {
    listeners[l] = listening_socket(SOCK_STREAM, at[l], kWaiting - 1);
    for (int i = 0; i < kWaiting; ++i) {
      names[l][i] = l ? path_name(subject_path(kNames[l][i])) : abstract_name(kNames[l][i]);
      clients[l][i] = bound_socket(SOCK_STREAM, names[l][i]);
      CHECK_OK(connect(clients[l][i], &at[l].any, at[l].size));
    }
    CHECK_OK(close(clients[l][1]));
  }
  STEP("waiting");
  for (int l = 0; l < 2; ++l) check(at[l], listeners[l], clients[l], names[l]);
  subject_done();
}
