// The options of UNIX sockets: sizes, times, priorities, where a peek begins, what a filter lets
// through, and the flags of their descriptors.
#include "subject_net.h"

#include <linux/filter.h>

static const struct {
  int option, value;
} kOptions[] = {{SO_SNDBUF, 40000}, {SO_RCVBUF, 50000},  {SO_PASSCRED, 1},  {SO_RCVLOWAT, 4},
                {SO_PRIORITY, 5},   {SO_MARK, 77},       {SO_DEBUG, 1},     {SO_KEEPALIVE, 1},
                {SO_BROADCAST, 1},  {SO_TIMESTAMPNS, 1}, {SO_OOBINLINE, 1}, {SO_PEEK_OFF, 3}};
enum { kCount = sizeof kOptions / sizeof *kOptions };

static void check_times(int fd, long receive_us, long send_us) {
  struct timeval time;
  socklen_t size = sizeof time;
  CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &size));
  CHECK_NEAR(time.tv_sec * 1000000 + time.tv_usec, receive_us, 10000);  // in the kernel's ticks
  CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &size));
  CHECK_NEAR(time.tv_sec * 1000000 + time.tv_usec, send_us, 10000);
}

int main(void) {
  // Lets a message of more than three bytes through.
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
                               BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 3, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, 0x7fff), BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog program = {4, code};
  struct sock_filter now[16];
  struct linger linger = {1, 12}, linger_now;
  int pair[2], filtered[2], before[kCount];
  CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, filtered));
  for (int i = 0; i < kCount; ++i) {
    set_option(pair[0], SOL_SOCKET, kOptions[i].option, kOptions[i].value);
    before[i] = get_option(pair[0], SOL_SOCKET, kOptions[i].option);
    if (i > 1) CHECK_EQ(before[i], kOptions[i].value);
  }
  CHECK_OK(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  set_timeout(pair[0], SO_RCVTIMEO, 12340);
  set_timeout(pair[0], SO_SNDTIMEO, 5600);
  CHECK_OK(setsockopt(filtered[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  set_option(filtered[1], SOL_SOCKET, SO_LOCK_FILTER, 1);
  int other_buffer = get_option(pair[1], SOL_SOCKET, SO_SNDBUF);
  send_text(pair[1], "01234567");
  STEP("options");
  for (int i = 0; i < kCount; ++i)
    if (get_option(pair[0], SOL_SOCKET, kOptions[i].option) != before[i])
      FAIL("option %d differs", kOptions[i].option);
  CHECK_EQ(get_option(pair[1], SOL_SOCKET, SO_SNDBUF), other_buffer);
  CHECK_EQ(get_option(pair[1], SOL_SOCKET, SO_PEEK_OFF), -1);
  CHECK_EQ(get_option(pair[1], SOL_SOCKET, SO_PASSCRED), 0);
  socklen_t size = sizeof linger_now;
  CHECK_OK(getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger_now, &size));
  CHECK_MEM(&linger_now, &linger, size);
  check_times(pair[0], 12340000, 5600000);
  check_times(pair[1], 0, 0);
  PEEK(pair[0], "3456");  // each peek begins where the last one ended
  RECEIVE(pair[0], "0123");
  PEEK(pair[0], "7");
  CHECK_EQ(fcntl(pair[0], F_GETFL), O_RDWR);
  CHECK_EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
  CHECK_EQ(fcntl(filtered[0], F_GETFL), O_RDWR | O_NONBLOCK);
  CHECK_EQ(fcntl(filtered[0], F_GETFD), 0);
  size = 16;  // in instructions
  CHECK_OK(getsockopt(filtered[1], SOL_SOCKET, SO_GET_FILTER, now, &size));
  CHECK_EQ(size, 4);
  CHECK_MEM(now, code, sizeof code);
  CHECK_ERRNO(setsockopt(filtered[1], SOL_SOCKET, SO_DETACH_FILTER, now, sizeof(int)), EPERM);
  CHECK_EQ(send(filtered[0], "no", 2, 0), 2);
  send_text(filtered[0], "it goes through");
  RECEIVE_MESSAGE(filtered[1], "it goes through");
  CHECK_NOTHING(filtered[1]);
  subject_done();
}
