// Sockets on their way in messages, which themselves hold descriptors on their way: through another
// socket, through themselves, through their own pair.
#include "subject_net.h"

static void pair(int fds[2]) { CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds)); }

int main(void) {
  int outer[2], inner[2], innermost[2], self[2], crossed[2], file, got;
  pair(outer);
  pair(inner);
  pair(innermost);
  pair(self);
  pair(crossed);
  write_text(subject_path("file"), "deep inside");
  file = (int)CHECK_OK(open(subject_path("file"), O_RDONLY));
  // outer holds inner's end, which holds innermost's end, which holds the file.
  send_fds(innermost[0], "file", &file, 1);
  send_fds(inner[0], "innermost", &innermost[1], 1);
  send_fds(outer[0], "inner", &inner[1], 1);
  CHECK_OK(close(file));
  CHECK_OK(close(innermost[1]));
  CHECK_OK(close(inner[1]));
  CHECK_OK(close(inner[0]));
  // An end that waits in its own queue; an end that lives only in its peer's queue.
  send_fds(self[0], "self", &self[1], 1);
  send_fds(crossed[0], "crossed", &crossed[0], 1);
  CHECK_OK(close(crossed[0]));
  STEP("in flight");
  RECEIVE_FDS(outer[1], "inner", &inner[1], 1);
  RECEIVE_FDS(inner[1], "innermost", &innermost[1], 1);
  CHECK_END(inner[1]);
  RECEIVE_FDS(innermost[1], "file", &file, 1);
  char bytes[16] = {0};
  CHECK_EQ(read(file, bytes, sizeof bytes), 11);
  CHECK_STR(bytes, "deep inside");
  send_text(self[0], "more");
  RECEIVE_FDS(self[1], "self", &got, 1);
  CHECK(got != self[1]);
  RECEIVE(got, "more");
  CHECK_OK(close(self[1]));
  CONVERSE(self[0], got);
  RECEIVE_FDS(crossed[1], "crossed", &crossed[0], 1);
  CONVERSE(crossed[0], crossed[1]);
  send_fds(crossed[0], "again", &crossed[0], 1);
  CHECK_OK(close(crossed[0]));
  STEP("again");
  RECEIVE_FDS(crossed[1], "again", &crossed[0], 1);
  CONVERSE(crossed[0], crossed[1]);
  CONVERSE(innermost[0], innermost[1]);
  CONVERSE(self[0], got);
  subject_done();
}
