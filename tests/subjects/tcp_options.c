// The options of connected and listening TCP sockets.
#include "subject_net.h"

struct option {
  int level, option, value;
};
static const struct option kConnected[] = {
    {IPPROTO_TCP, TCP_NODELAY, 1},          {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, 77},        {IPPROTO_TCP, TCP_KEEPINTVL, 11},
    {IPPROTO_TCP, TCP_KEEPCNT, 4},          {IPPROTO_TCP, TCP_USER_TIMEOUT, 12345},
    {IPPROTO_TCP, TCP_LINGER2, 17},         {IPPROTO_TCP, TCP_SYNCNT, 3},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 9000}, {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1},
    {SOL_SOCKET, SO_OOBINLINE, 1},          {SOL_SOCKET, SO_RCVLOWAT, 2},
    {SOL_SOCKET, SO_REUSEADDR, 1},          {SOL_SOCKET, SO_REUSEPORT, 1},
    {SOL_SOCKET, SO_SNDBUF, 40000},         {SOL_SOCKET, SO_RCVBUF, 50000},
    {SOL_SOCKET, SO_PRIORITY, 3},           {SOL_SOCKET, SO_MARK, 99},
    {SOL_SOCKET, SO_TIMESTAMP, 1},          {SOL_SOCKET, SO_MAX_PACING_RATE, 1 << 30}};
static const struct option kListening[] = {{IPPROTO_TCP, TCP_DEFER_ACCEPT, 5},
                                           {IPPROTO_TCP, TCP_FASTOPEN, 6},
                                           {IPPROTO_TCP, TCP_MAXSEG, 1000},
                                           {SOL_SOCKET, SO_RCVBUF, 60000}};
static const struct option kInternet[2][3] = {
    {{IPPROTO_IP, IP_TOS, 0x48}, {IPPROTO_IP, IP_TTL, 33}, {IPPROTO_IP, IP_MTU_DISCOVER, 2}},
    {{IPPROTO_IPV6, IPV6_TCLASS, 0x48},
     {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33},
     {IPPROTO_IPV6, IPV6_MTU_DISCOVER, 2}}};
enum { kMost = 20 };

struct state {
  int listener, client, server, connected[kMost], listening[kMost];
};

static void set(int fd, const struct option* options, int count, int* values) {
  for (int i = 0; i < count; ++i) {
    set_option(fd, options[i].level, options[i].option, options[i].value);
    if (values) values[i] = get_option(fd, options[i].level, options[i].option);
  }
}

static void check(int fd, const struct option* options, int count, const int* values) {
  for (int i = 0; i < count; ++i) {
    int now = get_option(fd, options[i].level, options[i].option);
    int expected = values ? values[i] : options[i].value;
    if (now != expected)
      FAIL("option %d:%d is %d, not %d", options[i].level, options[i].option, now, expected);
  }
}
#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static void set_up(struct state* state, int i) {
  struct linger linger = {1, 9};
  state->listener = listening_socket(SOCK_STREAM, loopback_name(family_of(i), 0), 5);
  set(state->listener, kListening, COUNT(kListening), state->listening);
  state->client = connected_socket(SOCK_STREAM, name_of(state->listener));
  send_text(state->client, "hello");  // it is accepted only now
  state->server = accepted_socket(state->listener);
  CHECK_OK(setsockopt(state->client, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  CHECK_OK(setsockopt(state->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  set(state->client, kInternet[i], 3, NULL);  // the type of service changes the priority
  set(state->client, kConnected, COUNT(kConnected), state->connected);
}

static void check_all(struct state* state, int i) {
  char congestion[16] = {0};
  struct linger linger = {0};
  socklen_t size = sizeof congestion;
  check(state->listener, kListening, COUNT(kListening), state->listening);
  check(state->client, kConnected, COUNT(kConnected), state->connected);
  check(state->client, kInternet[i], 3, NULL);
  CHECK_OK(getsockopt(state->client, IPPROTO_TCP, TCP_CONGESTION, congestion, &size));
  CHECK_STR(congestion, "reno");
  size = sizeof linger;
  CHECK_OK(getsockopt(state->client, SOL_SOCKET, SO_LINGER, &linger, &size));
  CHECK_EQ(linger.l_onoff, 1);
  CHECK_EQ(linger.l_linger, 9);
  CHECK_EQ(get_option(state->server, IPPROTO_TCP, TCP_NODELAY), 0);
  RECEIVE(state->server, "hello");
  CONVERSE(state->client, state->server);
  state->client = connected_socket(SOCK_STREAM, name_of(state->listener));
  send_text(state->client, "hello");
  RECEIVE(accepted_socket(state->listener), "hello");
}

int main(void) {
  static struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], i);
  STEP("options");
  for (int i = 0; i < 2; ++i) check_all(&states[i], i);
  subject_done();
}
