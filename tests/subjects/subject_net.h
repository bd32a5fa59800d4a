// What the subjects with sockets share: names, pairs, exact sends and receives, descriptors in
// messages.
#pragma once

#include "subject.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

// ---- names ----

struct name {
  union {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  };
  socklen_t size;
};

static inline struct name path_name(const char* path) {
  struct name name = {.un.sun_family = AF_UNIX};
  CHECK(strlen(path) < sizeof name.un.sun_path);
  strcpy(name.un.sun_path, path);
  name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
  return name;
}

// An abstract name: text and the calling process's id.
static inline struct name abstract_name(const char* text) {
  struct name name = {.un.sun_family = AF_UNIX};
  int n = snprintf(name.un.sun_path + 1, sizeof name.un.sun_path - 1, "%s-%d", text, getpid());
  name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)n;
  return name;
}

static inline struct name unnamed(void) {
  return (struct name){.un.sun_family = AF_UNIX, .size = sizeof(sa_family_t)};
}

// What holds for both kinds of addresses is tried with 0 and with 1.
static inline int family_of(int i) { return i ? AF_INET6 : AF_INET; }

static inline struct name loopback_name(int family, int port) {
  struct name name = {.in6.sin6_family = AF_INET6, .size = sizeof(struct sockaddr_in6)};
  name.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  if (family == AF_INET) {
    name.in = (struct sockaddr_in){.sin_family = AF_INET};
    name.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.size = sizeof name.in;
  }
  name.in.sin_port = htons((uint16_t)port);  // at the same place in both
  return name;
}

static inline struct name name_of(int fd) {
  struct name name = {.size = sizeof name.un};
  CHECK_OK(getsockname(fd, &name.any, &name.size));
  return name;
}

static inline struct name peer_name_of(int fd) {
  struct name name = {.size = sizeof name.un};
  CHECK_OK(getpeername(fd, &name.any, &name.size));
  return name;
}

static inline int port_of(int fd) { return ntohs(name_of(fd).in.sin_port); }

static inline void net_check_name(struct name actual, struct name expected, const char* what,
                                  const char* file, int line) {
  subject_check_eq(actual.size, expected.size, what, file, line);
  subject_check_mem(&actual.any, &expected.any, expected.size, what, file, line);
}
#define CHECK_NAME(actual, expected) net_check_name(actual, expected, #actual, __FILE__, __LINE__)

// ---- sockets ----

static inline int new_socket(int family, int type) {
  return (int)CHECK_OK(socket(family, type, 0));
}

static inline int bound_socket(int type, struct name name) {
  int fd = new_socket(name.any.sa_family, type);
  CHECK_OK(bind(fd, &name.any, name.size));
  return fd;
}

static inline int listening_socket(int type, struct name name, int backlog) {
  int fd = bound_socket(type, name);
  CHECK_OK(listen(fd, backlog));
  return fd;
}

static inline int connected_socket(int type, struct name name) {
  int fd = new_socket(name.any.sa_family, type);
  CHECK_OK(connect(fd, &name.any, name.size));
  return fd;
}

static inline int accepted_socket(int listener) {
  return (int)CHECK_OK(accept(listener, NULL, NULL));
}

// A connection over loopback: the client's end, then the server's.
static inline void tcp_pair(int family, int fds[2]) {
  int listener = listening_socket(SOCK_STREAM, loopback_name(family, 0), 1);
  fds[0] = connected_socket(SOCK_STREAM, name_of(listener));
  fds[1] = accepted_socket(listener);
  CHECK_OK(close(listener));
}

static inline struct tcp_info tcp_info_of(int fd) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
  return info;
}

static inline int tcp_state_of(int fd) { return tcp_info_of(fd).tcpi_state; }

static inline int get_option(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  CHECK_OK(getsockopt(fd, level, option, &value, &size));
  return value;
}

static inline void set_option(int fd, int level, int option, int value) {
  CHECK_OK(setsockopt(fd, level, option, &value, sizeof value));
}

static inline void set_timeout(int fd, int option, long ms) {
  struct timeval time = {ms / 1000, ms % 1000 * 1000};
  CHECK_OK(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
}

static inline int unread_bytes(int fd) {
  int n = -1;
  CHECK_OK(ioctl(fd, FIONREAD, &n));
  return n;
}

static inline int poll_now(int fd, int events) {
  struct pollfd poll_fd = {.fd = fd, .events = (short)events};
  CHECK_OK(poll(&poll_fd, 1, 0));
  return poll_fd.revents;
}

// ---- netlink ----

static inline struct sockaddr_nl netlink_name_of(int fd) {
  struct sockaddr_nl name;
  socklen_t size = sizeof name;
  CHECK_OK(getsockname(fd, (struct sockaddr*)&name, &size));
  CHECK_EQ(size, sizeof name);
  return name;
}

static inline int netlink_socket(int protocol, unsigned groups) {
  struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int fd = (int)CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  CHECK_OK(bind(fd, (struct sockaddr*)&name, sizeof name));
  return fd;
}

// ---- bytes ----

static inline void send_text(int fd, const char* text) {
  CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void send_to(int fd, const char* text, struct name name) {
  CHECK_EQ(sendto(fd, text, strlen(text), MSG_NOSIGNAL, &name.any, name.size), strlen(text));
}

// Sends as much of a pattern as there is room for, from there on; returns how much that was.
static inline size_t fill_stream_from(int fd, size_t begin, unsigned seed) {
  enum { kMost = 16 << 20 };
  char* bytes = malloc(kMost);
  fill_pattern(bytes, kMost, seed);
  size_t n = begin;
  ssize_t now;
  while ((now = send(fd, bytes + n, kMost - n, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) n += (size_t)now;
  CHECK_EQ(errno, EAGAIN);
  free(bytes);
  return n - begin;
}
static inline size_t fill_stream(int fd, unsigned seed) { return fill_stream_from(fd, 0, seed); }

static inline void drain_stream(int fd, size_t size, unsigned seed) {
  char* bytes = malloc(size);
  CHECK_EQ(recv(fd, bytes, size, MSG_WAITALL), size);
  check_pattern(bytes, size, seed);
  free(bytes);
}

static inline void net_receive(int fd, const char* text, int flags, const char* file, int line) {
  char bytes[256] = {0};
  size_t size = flags & MSG_WAITALL ? strlen(text) : sizeof bytes;  // a stream, or a message
  subject_check_eq(recv(fd, bytes, size, flags), (long long)strlen(text), "recv", file, line);
  subject_check_str(bytes, text, "what was received", file, line);
}
// The next bytes of a stream, waiting for them; one whole message, waiting for it or not.
#define RECEIVE(fd, text) net_receive(fd, text, MSG_WAITALL, __FILE__, __LINE__)
#define RECEIVE_MESSAGE(fd, text) net_receive(fd, text, 0, __FILE__, __LINE__)
#define PEEK(fd, text) net_receive(fd, text, MSG_PEEK | MSG_WAITALL, __FILE__, __LINE__)

static inline void net_receive_from(int fd, const char* text, struct name from, const char* file,
                                    int line) {
  char bytes[256] = {0};
  struct name now = {.size = sizeof now.un};
  subject_check_eq(recvfrom(fd, bytes, sizeof bytes, 0, &now.any, &now.size),
                   (long long)strlen(text), "recvfrom", file, line);
  subject_check_str(bytes, text, "what was received", file, line);
  net_check_name(now, from, "where it came from", file, line);
}
#define RECEIVE_FROM(fd, text, from) net_receive_from(fd, text, from, __FILE__, __LINE__)

#define CHECK_NOTHING(fd)                                              \
  do {                                                                 \
    char byte_;                                                        \
    CHECK_ERRNO(recv(fd, &byte_, 1, MSG_DONTWAIT | MSG_PEEK), EAGAIN); \
  } while (0)
#define CHECK_END(fd)                    \
  do {                                   \
    char byte_;                          \
    CHECK_EQ(recv(fd, &byte_, 1, 0), 0); \
  } while (0)
#define CHECK_SEND_ERRNO(fd, error) CHECK_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), error)

// Sends one text each way and receives it.
static inline void net_converse(int a, int b, const char* file, int line) {
  send_text(a, "there");
  send_text(b, "and back");
  net_receive(b, "there", MSG_WAITALL, file, line);
  net_receive(a, "and back", MSG_WAITALL, file, line);
}
#define CONVERSE(a, b) net_converse(a, b, __FILE__, __LINE__)

// ---- descriptors in messages ----

static inline void send_fds(int fd, const char* text, const int* fds, int count) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
  struct iovec bytes = {(char*)text, strlen(text)};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
  CHECK_EQ(sendmsg(fd, &message, MSG_NOSIGNAL), bytes.iov_len);
}

// Receives the text and exactly so many descriptors.
static inline void net_receive_fds(int fd, const char* text, int* fds, int count, const char* file,
                                   int line) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))];
  char bytes[64] = {0};
  struct iovec vector = {bytes, strlen(text)};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = sizeof control;
  subject_check_eq(recvmsg(fd, &message, MSG_CMSG_CLOEXEC), (long long)strlen(text), "recvmsg",
                   file, line);
  subject_check_str(bytes, text, "what was received", file, line);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  size_t size = header ? header->cmsg_len - CMSG_LEN(0) : 0;
  subject_check_eq((long long)(size / sizeof(int)), count, "descriptors received", file, line);
  if (header) memcpy(fds, CMSG_DATA(header), size);
}
#define RECEIVE_FDS(fd, text, fds, count) net_receive_fds(fd, text, fds, count, __FILE__, __LINE__)
