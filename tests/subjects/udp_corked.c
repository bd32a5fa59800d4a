// Datagrams of which a part was given already (MSG_MORE, UDP_CORK) go out as one, once the rest is.
#include "subject_net.h"

#include <netinet/udp.h>

struct state {
  int receiver, more, addressed, corked;
  struct name at;
};

static void set_up(struct state* s, int family) {
  s->receiver = bound_socket(SOCK_DGRAM, loopback_name(family, 0));
  s->at = name_of(s->receiver);
  s->more = connected_socket(SOCK_DGRAM, s->at);
  s->corked = connected_socket(SOCK_DGRAM, s->at);
  s->addressed = new_socket(family, SOCK_DGRAM);
  CHECK_EQ(send(s->more, "begun, ", 7, MSG_MORE), 7);
  CHECK_EQ(sendto(s->addressed, "addressed, ", 11, MSG_MORE, &s->at.any, s->at.size), 11);
  set_option(s->corked, IPPROTO_UDP, UDP_CORK, 1);
  send_text(s->corked, "corked, ");
  send_text(s->corked, "and more, ");
}

static void check(struct state* s, int family) {
  CHECK_EQ(get_option(s->corked, IPPROTO_UDP, UDP_CORK), 1);
  CHECK_EQ(get_option(s->more, IPPROTO_UDP, UDP_CORK), 0);
  CHECK_NOTHING(s->receiver);
  send_text(s->more, "ended");
  RECEIVE_FROM(s->receiver, "begun, ended", name_of(s->more));
  send_text(s->addressed, "ended");  // its address was given with the first part
  RECEIVE_FROM(s->receiver, "addressed, ended", loopback_name(family, port_of(s->addressed)));
  send_text(s->corked, "last");
  CHECK_NOTHING(s->receiver);
  set_option(s->corked, IPPROTO_UDP, UDP_CORK, 0);
  RECEIVE_FROM(s->receiver, "corked, and more, last", name_of(s->corked));
  CHECK_NOTHING(s->receiver);
  send_text(s->corked, "by itself");
  RECEIVE_FROM(s->receiver, "by itself", name_of(s->corked));
}

int main(void) {
  struct state states[2];
  for (int i = 0; i < 2; ++i) set_up(&states[i], family_of(i));
  STEP("half given");
  for (int i = 0; i < 2; ++i) check(&states[i], family_of(i));
  subject_done();
}
