// Connections that wait to be accepted while their clients have sent already: bytes, a descriptor,
// bytes and then the end, in a listener of streams and one of packets.
#include "subject_net.h"

enum { kBytes, kDescriptor, kClosed, kHalfClosed, kSilent, kCount };

static void connect_all(int type, struct name at, int clients[], int given) {
  for (int i = 0; i < kCount; ++i) {
    clients[i] = connected_socket(type, at);
    if (i == kDescriptor) send_fds(clients[i], "with a descriptor", &given, 1);
    if (i != kDescriptor && i != kSilent) send_text(clients[i], "sent early");
  }
  send_text(clients[kBytes], "and more");
  CHECK_OK(close(clients[kClosed]));
  CHECK_OK(shutdown(clients[kHalfClosed], SHUT_WR));
}

static void accept_all(int listener, const int clients[], int other_end) {
  int servers[kCount], got;
  for (int i = 0; i < kCount; ++i) servers[i] = accepted_socket(listener);
  CHECK_EQ(poll_now(listener, POLLIN), 0);
  RECEIVE(servers[kBytes], "sent early");
  RECEIVE(servers[kBytes], "and more");
  RECEIVE_FDS(servers[kDescriptor], "with a descriptor", &got, 1);
  CHECK_EQ(write(got, "piped", 5), 5);
  CHECK_OK(close(got));
  char bytes[8] = {0};
  CHECK_EQ(read(other_end, bytes, sizeof bytes), 5);
  CHECK_STR(bytes, "piped");
  CHECK_EQ(read(other_end, bytes, sizeof bytes), 0);
  RECEIVE(servers[kClosed], "sent early");
  CHECK_END(servers[kClosed]);
  CHECK_SEND_ERRNO(servers[kClosed], EPIPE);
  RECEIVE(servers[kHalfClosed], "sent early");
  CHECK_END(servers[kHalfClosed]);
  send_text(servers[kHalfClosed], "the other way");
  RECEIVE(clients[kHalfClosed], "the other way");
  CHECK_NOTHING(servers[kSilent]);
  CONVERSE(clients[kBytes], servers[kBytes]);
  CONVERSE(clients[kDescriptor], servers[kDescriptor]);
  CONVERSE(clients[kSilent], servers[kSilent]);
}

int main(void) {
  static const int kTypes[] = {SOCK_STREAM, SOCK_SEQPACKET};
  struct name at[2] = {abstract_name("stream"), path_name(subject_path("packets"))};
  int listeners[2], clients[2][kCount], pipes[2][2];
  for (int l = 0; l < 2; ++l) {
    CHECK_OK(pipe(pipes[l]));
    listeners[l] = listening_socket(kTypes[l], at[l], kCount);
    connect_all(kTypes[l], at[l], clients[l], pipes[l][1]);
    CHECK_OK(close(pipes[l][1]));
  }
  STEP("waiting with data");
  for (int l = 0; l < 2; ++l) accept_all(listeners[l], clients[l], pipes[l][0]);
  subject_done();
}
