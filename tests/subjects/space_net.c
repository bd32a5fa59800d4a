// Network namespaces of the application's own with nothing but loopback: the same ports and
// abstract names as outside, connections with something under way, datagrams, settings, a namespace
// whose loopback is down, and a socket that is held outside of the namespace it was made in.
#include "subject.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { kPort = 7071 };

static void set_loopback(bool up) {
  int socket_fd = (int)CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq request = {.ifr_name = "lo"};
  CHECK_OK(ioctl(socket_fd, SIOCGIFFLAGS, &request));
  request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  CHECK_OK(ioctl(socket_fd, SIOCSIFFLAGS, &request));
  CHECK_OK(close(socket_fd));
}

static struct sockaddr_in at_port(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int type, int port) {
  struct sockaddr_in name = at_port(port);
  int fd = (int)CHECK_OK(socket(AF_INET, type, 0));
  CHECK_OK(bind(fd, (struct sockaddr*)&name, sizeof name));
  if (type == SOCK_STREAM) CHECK_OK(listen(fd, 5));
  return fd;
}

static int connected(int type, int port) {
  struct sockaddr_in name = at_port(port);
  int fd = (int)CHECK_OK(socket(AF_INET, type, 0));
  CHECK_OK(connect(fd, (struct sockaddr*)&name, sizeof name));
  return fd;
}

static struct sockaddr_un abstract_name(socklen_t* length) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path + 1, "space-net");
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 10);
  return name;
}

static int abstract_listener(void) {
  socklen_t length;
  struct sockaddr_un name = abstract_name(&length);
  int fd = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_OK(bind(fd, (struct sockaddr*)&name, length));
  CHECK_OK(listen(fd, 5));
  return fd;
}

static int abstract_client(void) {
  socklen_t length;
  struct sockaddr_un name = abstract_name(&length);
  int fd = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_OK(connect(fd, (struct sockaddr*)&name, length));
  return fd;
}

// A connection that both ends have closed: its port is kept from others for a minute (TIME_WAIT).
static void leave(int port) {
  int listener = bound(SOCK_STREAM, port);
  int client = connected(SOCK_STREAM, port);
  int accepted = (int)CHECK_OK(accept(listener, NULL, NULL));
  CHECK_OK(close(listener));
  CHECK_OK(close(accepted));
  char none;
  CHECK_EQ(recv(client, &none, 1, 0), 0);
  CHECK_OK(close(client));
}

static void check_left(int port) {
  struct sockaddr_in name = at_port(port);
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_ERRNO(bind(fd, (struct sockaddr*)&name, sizeof name), EADDRINUSE);
  CHECK_OK(close(fd));
}

static void expect(int fd, const char* text) {
  char buffer[64] = {0};
  CHECK_EQ(recv(fd, buffer, strlen(text), MSG_WAITALL), strlen(text));
  CHECK_STR(buffer, text);
}

// Everything that one namespace has.
struct net {
  int listener, client, accepted, waiting, udp, sender, names, names_client, names_accepted;
};

static void fill(struct net* net, const char* text) {
  leave(kPort + 2);
  net->listener = bound(SOCK_STREAM, kPort);
  net->client = connected(SOCK_STREAM, kPort);
  net->accepted = (int)CHECK_OK(accept(net->listener, NULL, NULL));
  CHECK_EQ(send(net->client, text, strlen(text), 0), strlen(text));
  net->waiting = connected(SOCK_STREAM, kPort);
  CHECK_EQ(send(net->waiting, text, strlen(text), 0), strlen(text));
  net->udp = bound(SOCK_DGRAM, kPort);
  net->sender = connected(SOCK_DGRAM, kPort);
  CHECK_EQ(send(net->sender, text, strlen(text), 0), strlen(text));
  net->names = abstract_listener();
  net->names_client = abstract_client();
  net->names_accepted = (int)CHECK_OK(accept(net->names, NULL, NULL));
  CHECK_EQ(send(net->names_client, text, strlen(text), 0), strlen(text));
}

static void check(struct net* net, const char* text) {
  check_left(kPort + 2);
  expect(net->accepted, text);
  CHECK_EQ(send(net->accepted, text, strlen(text), 0), strlen(text));
  expect(net->client, text);
  expect(net->udp, text);
  expect(net->names_accepted, text);
  int taken = (int)CHECK_OK(accept(net->listener, NULL, NULL));
  expect(taken, text);
  CHECK_OK(close(net->waiting));
  CHECK_OK(close(taken));
  CHECK_OK(close(net->client));
  CHECK_OK(close(net->accepted));
  net->client = connected(SOCK_STREAM, kPort);
  net->accepted = (int)CHECK_OK(accept(net->listener, NULL, NULL));
  CHECK_EQ(send(net->client, text, strlen(text), 0), strlen(text));
  net->waiting = connected(SOCK_STREAM, kPort);
  CHECK_EQ(send(net->waiting, text, strlen(text), 0), strlen(text));
  CHECK_EQ(send(net->sender, text, strlen(text), 0), strlen(text));
  CHECK_EQ(send(net->names_client, text, strlen(text), 0), strlen(text));
  int again = abstract_client();
  CHECK_OK(close((int)CHECK_OK(accept(net->names, NULL, NULL))));
  CHECK_OK(close(again));
}

static void live(struct peer* child) {
  struct net net;
  CHECK_OK(unshare(CLONE_NEWNET));
  set_loopback(true);
  write_text("/proc/sys/net/ipv4/ip_forward", "1\n");
  write_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80\n");
  fill(&net, "inside");
  char text[20];
  do {
    peer_tell(child, 0);
    if (peer_hear(child) == 0) _exit(0);
    check(&net, "inside");
    read_text("/proc/sys/net/ipv4/ip_forward", text, sizeof text);
    CHECK_STR(text, "1\n");
    read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", text, sizeof text);
    CHECK_STR(text, "80\n");
  } while (true);
}

static void live_without(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWNET));
  peer_tell(child, 0);
  peer_hear(child);
  struct sockaddr_in name = at_port(kPort);
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_ERRNO(connect(fd, (struct sockaddr*)&name, sizeof name), ENETUNREACH);
  set_loopback(true);
  CHECK_ERRNO(connect(fd, (struct sockaddr*)&name, sizeof name), ECONNREFUSED);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), set_loopback(true);
  int own = (int)CHECK_OK(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  struct peer child = peer_fork();
  if (child.pid == 0) live(&child);
  struct peer without = peer_fork();
  if (without.pid == 0) live_without(&without);
  peer_hear(&child), peer_hear(&without);
  struct net net;
  fill(&net, "outside");
  // One that is listened at here, and reached there.
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", child.pid);
  int there = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  CHECK_OK(setns(there, CLONE_NEWNET));
  int held = bound(SOCK_STREAM, kPort + 1);
  CHECK_OK(setns(own, CLONE_NEWNET));
  CHECK_OK(close(there));
  for (const char** step = (const char*[]){"connected", "again", NULL}; *step; ++step) {
    STEP(*step);
    check(&net, "outside");
    peer_tell(&child, 1), peer_hear(&child);
    int client = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in name = at_port(kPort + 1);
    CHECK_ERRNO(connect(client, (struct sockaddr*)&name, sizeof name), ECONNREFUSED);
    CHECK_OK(close(client));
    there = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
    CHECK_OK(setns(there, CLONE_NEWNET));
    client = connected(SOCK_STREAM, kPort + 1);
    CHECK_OK(close((int)CHECK_OK(accept(held, NULL, NULL))));
    CHECK_OK(close(client));
    CHECK_OK(setns(own, CLONE_NEWNET));
    CHECK_OK(close(there));
  }
  peer_tell(&child, 0), peer_end(&child);
  peer_tell(&without, 0), peer_end(&without);
  subject_done();
}
