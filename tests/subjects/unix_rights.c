// Descriptors on their way in messages: a file whose offset a descriptor still held shares, a
// pipe's only writer, an eventfd, a memfd that nobody else has; in order, with the bytes they came
// with.
#include "subject_net.h"

#include <sys/eventfd.h>

static void check_in_flight(int fd, int held, int pipe_end) {
  int fds[3];
  char bytes[16] = {0};
  uint64_t count = 0;
  RECEIVE(fd, "before ");
  RECEIVE_FDS(fd, "two", fds, 2);
  CHECK_EQ(lseek(fds[0], 0, SEEK_CUR), 4);  // the same open file as ours
  CHECK_EQ(read(fds[0], bytes, 2), 2);
  CHECK_MEM(bytes, "45", 2);
  CHECK_EQ(lseek(held, 0, SEEK_CUR), 6);
  CHECK_EQ(lseek(held, 4, SEEK_SET), 4);
  CHECK_EQ(poll_now(pipe_end, POLLIN), POLLIN);
  CHECK_EQ(write(fds[1], "piped", 5), 5);
  CHECK_OK(close(fds[1]));
  CHECK_EQ(read(pipe_end, bytes, sizeof bytes), 8);
  CHECK_MEM(bytes, "in piped", 8);
  CHECK_EQ(read(pipe_end, bytes, sizeof bytes), 0);  // it was the only writer
  RECEIVE(fd, " between ");
  RECEIVE_FDS(fd, "three", fds, 3);
  CHECK_EQ(read(fds[0], &count, sizeof count), sizeof count);
  CHECK_EQ(count, 7);
  CHECK_EQ(pread(fds[1], bytes, sizeof bytes, 0), 9);
  CHECK_MEM(bytes, "in memory", 9);
  CHECK_EQ(lseek(fds[1], 0, SEEK_CUR), 9);
  CHECK_EQ(fcntl(fds[1], F_GET_SEALS), F_SEAL_GROW);
  CHECK_EQ(fcntl(fds[2], F_GETFL) & O_ACCMODE, O_RDONLY);
  CHECK_EQ(fcntl(fds[2], F_GETFD), FD_CLOEXEC);
  RECEIVE(fd, " after");
}

int main(void) {
  int pairs[2][2], pipes[2][2];
  write_text(subject_path("file"), "0123456789");
  int held = (int)CHECK_OK(open(subject_path("file"), O_RDWR));
  CHECK_EQ(lseek(held, 4, SEEK_SET), 4);
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    CHECK_OK(pipe(pipes[i]));
    int memory = (int)CHECK_OK(memfd_create("in flight", MFD_ALLOW_SEALING));
    CHECK_EQ(write(memory, "in memory", 9), 9);
    CHECK_OK(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW));
    int event = (int)CHECK_OK(eventfd(7, 0));
    int other = (int)CHECK_OK(open(subject_path("file"), O_RDONLY));
    CHECK_EQ(write(pipes[i][1], "in ", 3), 3);
    send_text(pairs[i][0], "before ");
    send_fds(pairs[i][0], "two", (int[]){held, pipes[i][1]}, 2);
    send_text(pairs[i][0], " between ");
    send_fds(pairs[i][0], "three", (int[]){event, memory, other}, 3);
    send_text(pairs[i][0], " after");
    CHECK_OK(close(pipes[i][1]));
    CHECK_OK(close(event));
    CHECK_OK(close(memory));
    CHECK_OK(close(other));
  }
  CHECK_OK(close(pairs[1][0]));  // in one of the two the sender is gone, too
  STEP("in flight");
  check_in_flight(pairs[0][1], held, pipes[0][0]);
  CHECK_NOTHING(pairs[0][1]);
  check_in_flight(pairs[1][1], held, pipes[1][0]);
  CHECK_END(pairs[1][1]);
  send_fds(pairs[0][0], "after", &held, 1);
  int again;
  RECEIVE_FDS(pairs[0][1], "after", &again, 1);
  CHECK_EQ(lseek(again, 0, SEEK_CUR), 4);
  subject_done();
}
