// A queue with messages that nobody has open, beside one of the same name as a removed one.
#include "subject.h"

#include <mqueue.h>

static char names[2][40];
static void unlink_all(void) {
  for (int i = 0; i < 2; ++i) mq_unlink(names[i]);
}

static void receive(mqd_t queue, const char* text, unsigned priority) {
  char buffer[64] = {0};
  unsigned got = 0;
  CHECK_EQ(mq_receive(queue, buffer, sizeof buffer, &got), strlen(text));
  CHECK_STR(buffer, text);
  CHECK_EQ(got, priority);
}

int main(void) {
  for (int i = 0; i < 2; ++i) snprintf(names[i], sizeof names[i], "/subject-%d-%d", getpid(), i);
  struct mq_attr attr = {.mq_maxmsg = 5, .mq_msgsize = 32};
  mqd_t closed = (mqd_t)CHECK_OK(mq_open(names[0], O_WRONLY | O_CREAT | O_EXCL, 0622, &attr));
  mqd_t removed = (mqd_t)CHECK_OK(mq_open(names[1], O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  subject_on_exit(unlink_all);
  CHECK_OK(mq_unlink(names[1]));
  mqd_t second = (mqd_t)CHECK_OK(mq_open(names[1], O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  const char* texts[] = {"a", "bb", "", "dddd", "eeeee"};
  const unsigned priorities[] = {2, 2, 2, 7, 0};
  for (int i = 0; i < 5; ++i) CHECK_OK(mq_send(closed, texts[i], strlen(texts[i]), priorities[i]));
  CHECK_OK(mq_close(closed));
  CHECK_OK(mq_send(removed, "old", 3, 1));
  CHECK_OK(mq_send(second, "new", 3, 1));
  STEP("closed");
  closed = (mqd_t)CHECK_OK(mq_open(names[0], O_RDONLY));
  struct stat st;
  CHECK_OK(fstat(closed, &st));
  CHECK_EQ(st.st_mode & 0777, 0622 & ~umask(0));
  const int order[] = {3, 0, 1, 2, 4};
  for (int i = 0; i < 5; ++i) receive(closed, texts[order[i]], priorities[order[i]]);
  receive(removed, "old", 1);
  mqd_t again = (mqd_t)CHECK_OK(mq_open(names[1], O_RDONLY));
  receive(again, "new", 1);
  CHECK_OK(mq_close(second));
  subject_done();
}
