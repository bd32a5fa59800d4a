// Connections between two networks of the application, of which one end has been closed: with most
// of what it had to say still on its way, while the other is open, and after the other.
#include "subject_tools.h"

enum { kUnsent = 7121, kOpen = 7122, kOver = 7123 };

static struct name in_hall(int port) {
  struct name name = {.in.sin_family = AF_INET, .size = sizeof name.in};
  name.in.sin_addr.s_addr = htonl(0x0a520101);  // 10.82.1.1
  name.in.sin_port = htons((uint16_t)port);
  return name;
}

// In a network of its own, at the other end of the cable.
static void live(const struct peer* self) {
  CHECK_OK(unshare(CLONE_NEWNET));
  peer_tell(self, 0);
  peer_hear(self);  // the cable is there
  tool("ip link set lo up; ip addr add 10.82.1.2/24 dev in; ip link set in up");
  peer_tell(self, 0);
  peer_hear(self);
  int unsent = connected_socket(SOCK_STREAM, in_hall(kUnsent));
  int open = connected_socket(SOCK_STREAM, in_hall(kOpen));
  int over = connected_socket(SOCK_STREAM, in_hall(kOver));
  peer_tell(self, 0);
  size_t bytes = (size_t)peer_hear(self);
  CHECK_END(open);
  CHECK_END(over);
  CHECK_OK(close(over));
  peer_tell(self, 0);
  peer_hear(self);                                  // the step
  CHECK_EQ(tcp_state_of(unsent), TCP_ESTABLISHED);  // the end is still behind the rest
  drain_stream(unsent, bytes, 9);
  CHECK_END(unsent);
  CHECK_EQ(tcp_state_of(open), TCP_CLOSE_WAIT);
  CHECK_OK(shutdown(open, SHUT_WR));
  wait_until(tcp_state_of(open) == TCP_CLOSE);  // it has been heard
  peer_tell(self, 0);
  peer_hear(self);  // the cable goes with us
  _exit(0);
}

static void check_taken(int port) {
  struct name name = in_hall(port);
  int fd = new_socket(AF_INET, SOCK_STREAM);
  CHECK_ERRNO(bind(fd, &name.any, name.size), EADDRINUSE);
  CHECK_OK(close(fd));
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), tool("ip link set lo up");
  struct peer room = peer_fork();
  if (room.pid == 0) live(&room);
  peer_hear(&room);
  tool("ip link add to1 type veth peer name in netns %d", room.pid);
  tool("ip addr add 10.82.1.1/24 dev to1; ip link set to1 up");
  peer_tell(&room, 0);
  peer_hear(&room);
  const int ports[] = {kUnsent, kOpen, kOver};
  int listeners[3], ends[3];
  for (int i = 0; i < 3; ++i) listeners[i] = listening_socket(SOCK_STREAM, in_hall(ports[i]), 1);
  peer_tell(&room, 0);
  peer_hear(&room);
  for (int i = 0; i < 3; ++i) {
    ends[i] = accepted_socket(listeners[i]);
    CHECK_OK(close(listeners[i]));
  }
  set_option(ends[0], SOL_SOCKET, SO_SNDBUF, 200000);
  size_t bytes = fill_stream(ends[0], 9);
  for (int i = 0; i < 3; ++i) CHECK_OK(close(ends[i]));
  peer_tell(&room, (int)bytes);
  peer_hear(&room);
  STEP("closed");
  for (int i = 0; i < 3; ++i) check_taken(ports[i]);
  peer_tell(&room, 0);
  peer_hear(&room);
  for (int i = 1; i < 3; ++i) check_taken(ports[i]);
  peer_tell(&room, 0);
  peer_end(&room);
  subject_done();
}
