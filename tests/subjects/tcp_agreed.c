// What two TCP sockets agreed on when they connected: timestamps and their course, selective
// acknowledgements, window scales, sizes of segments; with a small buffer, a small segment,
// without.
#include "subject_net.h"

enum { kPlain, kSmallBuffer, kSmallSegment, kCount };
enum { kAgreed = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE };

struct state {
  int fds[2];
  struct tcp_info infos[2];
  int sizes[2];
  uint32_t times[2];
};

static void set_up(struct state* s, int family, int kind) {
  int listener = bound_socket(SOCK_STREAM, loopback_name(family, 0));
  s->fds[0] = new_socket(family, SOCK_STREAM);
  if (kind == kSmallBuffer) set_option(listener, SOL_SOCKET, SO_RCVBUF, 20000);
  if (kind == kSmallSegment) set_option(s->fds[0], IPPROTO_TCP, TCP_MAXSEG, 1000);
  CHECK_OK(listen(listener, 1));
  struct name at = name_of(listener);
  CHECK_OK(connect(s->fds[0], &at.any, at.size));
  s->fds[1] = accepted_socket(listener);
  CHECK_OK(close(listener));
  CONVERSE(s->fds[0], s->fds[1]);
  for (int end = 0; end < 2; ++end) {
    s->infos[end] = tcp_info_of(s->fds[end]);
    s->sizes[end] = get_option(s->fds[end], IPPROTO_TCP, TCP_MAXSEG);
    s->times[end] = (uint32_t)get_option(s->fds[end], IPPROTO_TCP, TCP_TIMESTAMP);
  }
}

static void check(const struct state* s) {
  for (int end = 0; end < 2; ++end) {
    const struct tcp_info now = tcp_info_of(s->fds[end]), *before = &s->infos[end];
    CHECK_EQ(now.tcpi_options & kAgreed, before->tcpi_options & kAgreed);
    CHECK_EQ(now.tcpi_snd_wscale, before->tcpi_snd_wscale);
    CHECK_EQ(now.tcpi_rcv_wscale, before->tcpi_rcv_wscale);
    CHECK_NEAR(get_option(s->fds[end], IPPROTO_TCP, TCP_MAXSEG), s->sizes[end], 16);
    uint32_t time = (uint32_t)get_option(s->fds[end], IPPROTO_TCP, TCP_TIMESTAMP);
    CHECK((int32_t)(time - s->times[end]) >= 0);  // or the other side would drop what we send
  }
  CONVERSE(s->fds[0], s->fds[1]);
  size_t size = fill_stream(s->fds[0], 2);
  drain_stream(s->fds[1], size, 2);
}

int main(void) {
  static struct state states[2][kCount];
  for (int i = 0; i < 2; ++i)
    for (int kind = 0; kind < kCount; ++kind) set_up(&states[i][kind], family_of(i), kind);
  CHECK(states[0][kPlain].infos[0].tcpi_options & TCPI_OPT_TIMESTAMPS);
  STEP("agreed");
  for (int i = 0; i < 2; ++i)
    for (int kind = 0; kind < kCount; ++kind) check(&states[i][kind]);
  subject_done();
}
