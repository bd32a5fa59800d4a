// Calls on sockets that wait with a time limit of their own, which the kernel ends with EINTR when
// anything disturbs them: a refused snapshot must not.
#include "subject.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { kLimitSeconds = 100 };
static int pairs[3][2], listener;

static void limit(int fd, int option) {
  const struct timeval time = {kLimitSeconds, 0};
  CHECK_OK(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
}

static void* receives(void* arg) {
  char byte;
  CHECK_EQ(recv(pairs[0][0], &byte, 1, 0), 1);
  return arg;
}

static void* reads(void* arg) {
  char byte;
  CHECK_EQ(read(pairs[1][0], &byte, 1), 1);
  return arg;
}

static void* sends(void* arg) {
  CHECK_EQ(send(pairs[2][0], "x", 1, 0), 1);
  return arg;
}

static void* accepts(void* arg) {
  CHECK_OK(accept(listener, NULL, NULL));
  return arg;
}

static void fill(int fd) {
  while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
    ;
  CHECK_EQ(errno, EAGAIN);
}

static void drain(int fd) {
  char bytes[4096];
  while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
}

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  socklen_t length = sizeof(sa_family_t);  // the kernel picks an abstract name
  CHECK_OK(listener = socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_OK(bind(listener, (struct sockaddr*)&name, length));
  CHECK_OK(listen(listener, 1));
  limit(listener, SO_RCVTIMEO);
  for (int i = 0; i < 3; ++i) {
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    limit(pairs[i][0], i == 2 ? SO_SNDTIMEO : SO_RCVTIMEO);
  }
  fill(pairs[2][0]);

  void* (*const bodies[])(void*) = {receives, reads, sends, accepts};
  struct thread threads[4];
  for (int i = 0; i < 4; ++i) thread_start(&threads[i], bodies[i], NULL);
  for (int i = 0; i < 4; ++i) wait_until_blocked(getpid(), threads[i].tid, "any");
  int obstacle = (int)CHECK_OK(socket(AF_PACKET, SOCK_RAW, 0));
  subject_expect(obstacle, "packet|socket");
  subject_hold();

  CHECK_EQ(send(pairs[0][1], "x", 1, 0), 1);
  CHECK_EQ(write(pairs[1][1], "x", 1), 1);
  drain(pairs[2][1]);
  length = sizeof name;
  CHECK_OK(getsockname(listener, (struct sockaddr*)&name, &length));
  int client;
  CHECK_OK(client = socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_OK(connect(client, (struct sockaddr*)&name, length));
  for (int i = 0; i < 4; ++i) thread_join(&threads[i]);
  subject_done();
}
