// Networks of the application's own that are joined by virtual cables, as containers are: two
// rooms, and the hall between them that passes on what one says to the other. Connections from room
// to hall and from room to room, with and without translation, and what is on its way in them.
#include "subject_tools.h"

enum { kPort = 7111 };

// ---- a room ----

enum wish { kEnd, kListen, kConnectHall, kConnectRoom, kAccept, kSay, kExpect, kLook, kCompare };

static struct name at(const char* address, int port) {
  struct name name = {.in6.sin6_family = AF_INET6, .size = sizeof(struct sockaddr_in6)};
  if (inet_pton(AF_INET6, address, &name.in6.sin6_addr) != 1) {
    name.in = (struct sockaddr_in){.sin_family = AF_INET};
    CHECK_EQ(inet_pton(AF_INET, address, &name.in.sin_addr), 1);
    name.size = sizeof name.in;
    name.in.sin_port = htons((uint16_t)port);
    return name;
  }
  name.in6.sin6_port = htons((uint16_t)port);
  return name;
}

static int connect_to(const char* address) {
  struct name name = at(address, kPort);
  int fd = (int)CHECK_OK(socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_OK(connect(fd, &name.any, name.size));
  return fd;
}

static int listen_at(int family) {
  struct name name = family == AF_INET ? at("0.0.0.0", kPort) : at("::", kPort);
  int fd = (int)CHECK_OK(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  if (family == AF_INET6) CHECK_OK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  CHECK_OK(bind(fd, &name.any, name.size));
  CHECK_OK(listen(fd, 5));
  return fd;
}

static void say(int fd, const char* text) {
  CHECK_EQ(send(fd, text, strlen(text), 0), strlen(text));
}

static void expect(int fd, const char* text) {
  char buffer[64] = {0};
  CHECK_EQ(recv(fd, buffer, strlen(text), MSG_WAITALL), strlen(text));
  CHECK_STR(buffer, text);
}

struct ends {
  int v4, v6;
};

static void live(const struct peer* self, int number) {
  struct ends listeners = {-1, -1}, hall = {-1, -1}, room = {-1, -1}, from_room = {-1, -1};
  struct looks before;
  char other_v4[32], other_v6[32], hall_v4[32], hall_v6[32];
  snprintf(other_v4, sizeof other_v4, "10.81.%d.2", 3 - number);
  snprintf(other_v6, sizeof other_v6, "fd81:%d::2", 3 - number);
  snprintf(hall_v4, sizeof hall_v4, "10.81.%d.1", number);
  snprintf(hall_v6, sizeof hall_v6, "fd81:%d::1", number);
  CHECK_OK(unshare(CLONE_NEWNET));
  peer_tell(self, 0);
  peer_hear(self);  // the cable is there
  tool("ip link set lo up; ip addr add 10.81.%d.2/24 dev in; ip link set in up", number);
  tool("ip addr add fd81:%d::2/64 dev in nodad", number);
  tool("ip route add default via 10.81.%d.1; ip -6 route add default via fd81:%d::1", number,
       number);
  for (;;) {
    peer_tell(self, 0);
    switch (peer_hear(self)) {
      case kEnd:
        _exit(0);
      case kListen:
        listeners = (struct ends){listen_at(AF_INET), listen_at(AF_INET6)};
        break;
      case kConnectHall:
        hall = (struct ends){connect_to(hall_v4), connect_to(hall_v6)};
        break;
      case kConnectRoom:
        room = (struct ends){connect_to(other_v4), connect_to(other_v6)};
        break;
      case kAccept:
        from_room.v4 = (int)CHECK_OK(accept(listeners.v4, NULL, NULL));
        from_room.v6 = (int)CHECK_OK(accept(listeners.v6, NULL, NULL));
        break;
      case kSay:
        say(hall.v4, "to the hall"), say(hall.v6, "to the hall");
        if (room.v4 >= 0) say(room.v4, "to the room"), say(room.v6, "to the room");
        if (from_room.v4 >= 0) say(from_room.v4, "and back"), say(from_room.v6, "and back");
        break;
      case kExpect:
        expect(hall.v4, "from the hall"), expect(hall.v6, "from the hall");
        if (from_room.v4 >= 0)
          expect(from_room.v4, "to the room"), expect(from_room.v6, "to the room");
        if (room.v4 >= 0) expect(room.v4, "and back"), expect(room.v6, "and back");
        break;
      case kLook:
        before = look();
        break;
      case kCompare:
        check_looks(&before);
        break;
    }
  }
}

static void ask(const struct peer* room, enum wish wish) {
  peer_tell(room, wish);
  peer_hear(room);
}

static void ask_both(const struct peer* rooms, enum wish wish) {
  ask(&rooms[0], wish), ask(&rooms[1], wish);
}

// ---- the hall ----

static struct peer make_room(int number) {
  struct peer room = peer_fork();
  if (room.pid == 0) live(&room, number);
  peer_hear(&room);
  tool("ip link add to%d type veth peer name in netns %d", number, room.pid);
  tool("ip addr add 10.81.%d.1/24 dev to%d; ip addr add fd81:%d::1/64 dev to%d nodad", number,
       number, number, number);
  tool("ip link set to%d up", number);
  peer_tell(&room, 0);
  peer_hear(&room);
  return room;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), tool("ip link set lo up");
  write_text("/proc/sys/net/ipv4/ip_forward", "1\n");
  write_text("/proc/sys/net/ipv6/conf/all/forwarding", "1\n");
  struct peer rooms[2] = {make_room(1), make_room(2)};
  // The second room is told that the first is the hall.
  tool(
      "nft 'add table ip n; add chain ip n out { type nat hook postrouting priority 100; };"
      " add rule ip n out ip saddr 10.81.1.0/24 oifname to2 masquerade'");
  struct ends listeners = {listen_at(AF_INET), listen_at(AF_INET6)};
  ask_both(rooms, kListen);
  ask_both(rooms, kConnectHall);
  struct ends to[2];
  for (int i = 0; i < 2; ++i)
    to[i] = (struct ends){(int)CHECK_OK(accept(listeners.v4, NULL, NULL)),
                          (int)CHECK_OK(accept(listeners.v6, NULL, NULL))};
  ask(&rooms[0], kConnectRoom);
  ask(&rooms[1], kAccept);
  for (const char** step = (const char*[]){"connected", "again", NULL}; *step; ++step) {
    ask_both(rooms, kSay);
    for (int i = 0; i < 2; ++i) say(to[i].v4, "from the hall"), say(to[i].v6, "from the hall");
    ask_both(rooms, kLook);
    struct looks before = look();
    STEP(*step);
    check_looks(&before);
    ask_both(rooms, kCompare);
    ask_both(rooms, kExpect);
    for (int i = 0; i < 2; ++i) expect(to[i].v4, "to the hall"), expect(to[i].v6, "to the hall");
    // New ones find their way too.
    int new_one = connect_to("10.81.1.2");
    CHECK_OK(close(new_one));
  }
  for (int i = 0; i < 2; ++i) peer_tell(&rooms[i], kEnd), peer_end(&rooms[i]);
  subject_done();
}
