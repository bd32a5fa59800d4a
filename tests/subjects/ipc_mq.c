// POSIX message queues: messages by priority, attributes, flags of each descriptor, an unlinked one
// still open.
#include "subject.h"

#include <mqueue.h>

static char names[2][40];
static void unlink_all(void) {
  for (int i = 0; i < 2; ++i) mq_unlink(names[i]);
}

static void receive(mqd_t queue, const char* text, unsigned priority) {
  char buffer[128] = {0};
  unsigned got = 0;
  CHECK_EQ(mq_receive(queue, buffer, sizeof buffer, &got), strlen(text));
  CHECK_STR(buffer, text);
  CHECK_EQ(got, priority);
}

int main(void) {
  for (int i = 0; i < 2; ++i) snprintf(names[i], sizeof names[i], "/subject-%d-%d", getpid(), i);
  struct mq_attr attr = {.mq_maxmsg = 6, .mq_msgsize = 64}, now;
  mqd_t queue =
      (mqd_t)CHECK_OK(mq_open(names[0], O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0640, &attr));
  mqd_t unlinked = (mqd_t)CHECK_OK(mq_open(names[1], O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  subject_on_exit(unlink_all);
  mqd_t reader = (mqd_t)CHECK_OK(mq_open(names[0], O_RDONLY));
  CHECK_OK(mq_unlink(names[1]));
  CHECK_OK(mq_send(queue, "low", 3, 1));
  CHECK_OK(mq_send(queue, "high", 4, 30000));
  CHECK_OK(mq_send(queue, "low too", 7, 1));
  CHECK_OK(mq_send(queue, "", 0, 5));
  CHECK_OK(mq_send(unlinked, "kept", 4, 2));
  STEP("queued");
  CHECK_OK(mq_getattr(queue, &now));
  CHECK_EQ(now.mq_maxmsg, 6);
  CHECK_EQ(now.mq_msgsize, 64);
  CHECK_EQ(now.mq_curmsgs, 4);
  CHECK_EQ(now.mq_flags, O_NONBLOCK);
  CHECK_OK(mq_getattr(reader, &now));
  CHECK_EQ(now.mq_flags, 0);
  struct stat st;
  CHECK_OK(fstat(queue, &st));
  CHECK_EQ(st.st_mode & 07777, 0640);
  receive(reader, "high", 30000);
  receive(queue, "", 5);
  receive(reader, "low", 1);
  receive(queue, "low too", 1);
  char buffer[128];
  CHECK_ERRNO(mq_receive(queue, buffer, sizeof buffer, NULL), EAGAIN);
  CHECK_ERRNO(mq_send(reader, "x", 1, 0), EBADF);
  CHECK_ERRNO(mq_send(queue, buffer, 65, 0), EMSGSIZE);
  mqd_t again = (mqd_t)CHECK_OK(mq_open(names[0], O_WRONLY));
  CHECK_OK(mq_send(again, "new", 3, 0));
  receive(queue, "new", 0);
  receive(unlinked, "kept", 2);
  CHECK_ERRNO(mq_open(names[1], O_RDONLY), ENOENT);
  subject_done();
}
