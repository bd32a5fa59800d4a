// TCP connections of which both ends are ours: names, what is queued both ways and partly read, and
// more than the receiver takes, the rest of which waits at the sender. Whose ports others may have.
#include "subject_net.h"

enum { kAtLeast = 512 << 10 };

static void check_port(int end, bool allowed) {
  struct name name = name_of(end);
  int other = new_socket(name.any.sa_family, SOCK_STREAM);
  CHECK_ERRNO(bind(other, &name.any, name.size), EADDRINUSE);
  set_option(other, SOL_SOCKET, SO_REUSEADDR, 1);
  if (allowed)
    CHECK_OK(bind(other, &name.any, name.size));
  else
    CHECK_ERRNO(bind(other, &name.any, name.size), EADDRINUSE);
  CHECK_OK(close(other));
}

int main(void) {
  int fds[2][2], full[2][2], left;
  struct name names[2][2];
  size_t sizes[2];
  for (int i = 0; i < 2; ++i) {
    tcp_pair(family_of(i), fds[i]);
    tcp_pair(family_of(i), full[i]);
    for (int end = 0; end < 2; ++end) names[i][end] = name_of(fds[i][end]);
    send_text(fds[i][0], "to the server");
    send_text(fds[i][1], "to the client");
    RECEIVE(fds[i][1], "to");
    set_option(full[i][1], SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(full[i][0], SOL_SOCKET, SO_SNDBUFFORCE, 4 * kAtLeast);
    sizes[i] = fill_stream(full[i][0], 7);
    send_text(full[i][1], "against the stream");
    CHECK_OK(ioctl(full[i][0], TIOCOUTQ, &left));
    CHECK(left > kAtLeast);
  }
  STEP("queued");
  for (int i = 0; i < 2; ++i) {
    for (int end = 0; end < 2; ++end) {
      CHECK_NAME(name_of(fds[i][end]), names[i][end]);
      CHECK_NAME(peer_name_of(fds[i][end]), names[i][!end]);
      CHECK_EQ(tcp_state_of(fds[i][end]), TCP_ESTABLISHED);
      CHECK_EQ(poll_now(fds[i][end], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT);
    }
    for (int end = 0; end < 2; ++end) check_port(fds[i][end], false);
    check_port(full[i][1], true);
    CHECK_EQ(unread_bytes(fds[i][1]), 11);
    CHECK_EQ(unread_bytes(fds[i][0]), 13);
    PEEK(fds[i][1], " the server");
    RECEIVE(fds[i][1], " the server");
    RECEIVE(fds[i][0], "to the client");
    CONVERSE(fds[i][0], fds[i][1]);
    RECEIVE(full[i][0], "against the stream");
    CHECK(unread_bytes(full[i][1]) + (CHECK_OK(ioctl(full[i][0], TIOCOUTQ, &left)), left) >=
          (int)sizes[i]);
    char* bytes = malloc(sizes[i]);
    CHECK_EQ(recv(full[i][1], bytes, 100000, MSG_WAITALL), 100000);
    check_pattern(bytes, 100000, 7);
    free(bytes);
  }
  STEP("partly read");
  for (int i = 0; i < 2; ++i) {
    char *bytes = malloc(sizes[i]), *expected = malloc(sizes[i]);
    fill_pattern(expected, sizes[i], 7);
    CHECK_EQ(recv(full[i][1], bytes, sizes[i] - 100000, MSG_WAITALL), sizes[i] - 100000);
    CHECK_MEM(bytes, expected + 100000, sizes[i] - 100000);
    wait_until((CHECK_OK(ioctl(full[i][0], TIOCOUTQ, &left)), left == 0));
    CONVERSE(full[i][0], full[i][1]);
    CONVERSE(fds[i][1], fds[i][0]);
    CHECK_OK(close(fds[i][0]));
    CHECK_END(fds[i][1]);
    CHECK_OK(close(full[i][1]));
    CHECK_END(full[i][0]);
  }
  subject_done();
}
