// Threads that wait in recv, accept, connect to a listener with no room, send on a full socket,
// read and recvmsg with a time limit: none returns by the restore, each ends as it should.
#include "subject_net.h"

static struct name at, crowded;
static int listener, receiving[2], sending[2], timed[2];
static atomic_int returned;

static void* receives(void* arg) {
  RECEIVE(receiving[0], "at last");
  ++returned;
  return NULL;
}
static void* accepts(void* arg) {
  RECEIVE(accepted_socket(listener), "hello");
  ++returned;
  return NULL;
}
static void* connects(void* arg) {
  int fd = connected_socket(SOCK_STREAM, crowded);
  ++returned;
  send_text(fd, "no more crowd");
  return NULL;
}
static void* sends(void* arg) {
  send_text(sending[0], "one more");
  ++returned;
  return NULL;
}
static void* times_out(void* arg) {
  char byte;
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  long long begin = now_ms(CLOCK_MONOTONIC);
  CHECK_ERRNO(recvmsg(timed[0], &message, 0), EAGAIN);
  CHECK_NEAR(now_ms(CLOCK_MONOTONIC) - begin, timeout_ms(), kToleranceMs);
  return NULL;
}

int main(void) {
  void* (*const bodies[])(void*) = {receives, accepts, connects, sends, times_out};
  static const char* const kCalls[] = {"recvfrom", "accept", "connect", "sendto", "recvmsg"};
  struct thread threads[5];
  at = abstract_name("blocked");
  crowded = path_name(subject_path("crowded"));
  listener = listening_socket(SOCK_STREAM, at, 1);
  int crowd = listening_socket(SOCK_STREAM, crowded, 0);
  int first = connected_socket(SOCK_STREAM, crowded);
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, receiving));
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sending));
  CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, timed));
  size_t size = fill_stream(sending[0], 3);
  set_timeout(timed[0], SO_RCVTIMEO, timeout_ms());
  for (int i = 0; i < 5; ++i) {
    thread_start(&threads[i], bodies[i], NULL);
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  }
  STEP("blocked");
  CHECK_EQ(returned, 0);
  for (int i = 0; i < 4; ++i) wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  send_text(receiving[1], "at last");
  thread_join(&threads[0]);
  send_text(connected_socket(SOCK_STREAM, at), "hello");
  thread_join(&threads[1]);
  CONVERSE(first, accepted_socket(crowd));
  thread_join(&threads[2]);
  RECEIVE(accepted_socket(crowd), "no more crowd");
  drain_stream(sending[1], size, 3);
  thread_join(&threads[3]);
  RECEIVE(sending[1], "one more");
  thread_join(&threads[4]);
  CHECK_EQ(returned, 4);
  subject_done();
}
