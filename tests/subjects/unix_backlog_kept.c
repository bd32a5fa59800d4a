// More of what connections that wait to be accepted have with them: long streams, long and empty
// packets, options of the listener when they were made, who sent, one file in two of them, and more
// of them than the listener would take by now.
#include "subject_net.h"

enum { kLongPacket = 100000, kWaiting = 4 };

// ---- long ones ----

static size_t streamed;

static void start_long(struct name stream, struct name packets, int clients[2]) {
  char* bytes = malloc(kLongPacket);
  clients[0] = connected_socket(SOCK_STREAM, stream);
  streamed = fill_stream(clients[0], 3);
  clients[1] = connected_socket(SOCK_SEQPACKET, packets);
  fill_pattern(bytes, kLongPacket, 4);
  CHECK_EQ(send(clients[1], "", 0, 0), 0);
  CHECK_EQ(send(clients[1], bytes, kLongPacket, 0), kLongPacket);
  CHECK_EQ(send(clients[1], "", 0, 0), 0);
  send_text(clients[1], "short");
  free(bytes);
}

static void check_long(int stream, int packets, const int clients[2]) {
  char* bytes = malloc(kLongPacket);
  drain_stream(stream, streamed, 3);
  CHECK_NOTHING(stream);
  CONVERSE(stream, clients[0]);
  CHECK_EQ(recv(packets, bytes, kLongPacket, 0), 0);
  CHECK_EQ(recv(packets, bytes, kLongPacket, 0), kLongPacket);
  check_pattern(bytes, kLongPacket, 4);
  CHECK_EQ(recv(packets, bytes, kLongPacket, 0), 0);
  RECEIVE_MESSAGE(packets, "short");
  CHECK_NOTHING(packets);
  free(bytes);
}

// ---- options ----

// Two clients, one before and one after the listener wants to know who sends.
static void connect_around(int listener, struct name at, int clients[2]) {
  clients[0] = connected_socket(SOCK_STREAM, at);
  set_option(listener, SOL_SOCKET, SO_PASSCRED, 1);
  clients[1] = connected_socket(SOCK_STREAM, at);
}

// ---- who sent ----

static void expect_sender(int fd, const char* text, pid_t pid, uid_t uid, gid_t gid) {
  _Alignas(struct cmsghdr) char control[256];
  char now[64] = {0};
  struct iovec bytes = {now, sizeof now};
  struct msghdr message = {NULL, 0, &bytes, 1, control, sizeof control, 0};
  struct ucred ucred;
  set_option(fd, SOL_SOCKET, SO_PASSCRED, 1);
  CHECK_EQ(recvmsg(fd, &message, 0), strlen(text));
  CHECK_STR(now, text);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  CHECK(header && header->cmsg_type == SCM_CREDENTIALS);
  memcpy(&ucred, CMSG_DATA(header), sizeof ucred);
  CHECK_EQ(ucred.pid, pid);
  CHECK_EQ(ucred.uid, uid);
  CHECK_EQ(ucred.gid, gid);
}

// A child that has ended connected, and sent something under two names.
static pid_t send_from_child(struct name at) {
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child != 0) {
    reap_ok(child);
    return child;
  }
  int client = connected_socket(SOCK_SEQPACKET, at);
  send_text(client, "as root");
  CHECK_OK(setresgid(1001, 1001, 1001));
  CHECK_OK(setresuid(1000, 1000, 1000));
  send_text(client, "as somebody else");
  _exit(0);
}

int main(void) {
  struct name stream = abstract_name("long-stream"), packets = abstract_name("long-packets");
  struct name options[2] = {abstract_name("options"), abstract_name("options-before")};
  struct name sender = abstract_name("sender"), shared = abstract_name("shared");
  struct name many = abstract_name("many");
  int listeners[] = {listening_socket(SOCK_STREAM, stream, 1),
                     listening_socket(SOCK_SEQPACKET, packets, 1)};
  int longs[2], around[2][2], with_options[2], shares[2], waiting[kWaiting], got[2];
  start_long(stream, packets, longs);

  for (int i = 0; i < 2; ++i) {
    with_options[i] = listening_socket(SOCK_STREAM, options[i], 2);
    connect_around(with_options[i], options[i], around[i]);
  }
  int expected[2];  // not the same on every kernel
  for (int i = 0; i < 2; ++i)
    expected[i] = get_option(accepted_socket(with_options[1]), SOL_SOCKET, SO_PASSCRED);

  int from_child = listening_socket(SOCK_SEQPACKET, sender, 1);
  pid_t child = send_from_child(sender);

  int file = (int)CHECK_OK(open(subject_path("shared"), O_RDWR | O_CREAT, 0600));
  int share = listening_socket(SOCK_STREAM, shared, 2);
  for (int i = 0; i < 2; ++i) {
    shares[i] = connected_socket(SOCK_STREAM, shared);
    send_fds(shares[i], "file", &file, 1);
  }
  CHECK_OK(shutdown(shares[0], SHUT_RD));
  CHECK_OK(shutdown(shares[1], SHUT_RDWR));

  int crowded = listening_socket(SOCK_STREAM, many, kWaiting);
  for (int i = 0; i < kWaiting; ++i) waiting[i] = connected_socket(SOCK_STREAM, many);
  CHECK_OK(listen(crowded, 1));

  STEP("waiting");
  check_long(accepted_socket(listeners[0]), accepted_socket(listeners[1]), longs);

  CHECK_EQ(get_option(with_options[0], SOL_SOCKET, SO_PASSCRED), 1);
  for (int i = 0; i < 2; ++i) {
    int server = accepted_socket(with_options[0]);
    CHECK_EQ(get_option(server, SOL_SOCKET, SO_PASSCRED), expected[i]);
    CONVERSE(around[0][i], server);
  }

  int server = accepted_socket(from_child);
  expect_sender(server, "as root", child, 0, 0);
  expect_sender(server, "as somebody else", child, 1000, 1001);
  CHECK_END(server);

  for (int i = 0; i < 2; ++i) {
    server = accepted_socket(share);
    RECEIVE_FDS(server, "file", &got[i], 1);
    CHECK_SEND_ERRNO(server, EPIPE);
    if (i == 1) CHECK_END(server);
  }
  CHECK_EQ(write(file, "12345", 5), 5);
  CHECK_EQ(lseek(got[0], 2, SEEK_CUR), 7);
  CHECK_EQ(lseek(got[1], 0, SEEK_CUR), 7);

  int extra = new_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  for (int left = kWaiting; left > 1; --left) {
    CHECK_ERRNO(connect(extra, &many.any, many.size), EAGAIN);
    server = accepted_socket(crowded);
    CONVERSE(server, waiting[kWaiting - left]);
  }
  CHECK_OK(connect(extra, &many.any, many.size));
  subject_done();
}
