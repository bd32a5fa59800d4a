// mq_receive on an empty queue and mq_send on a full one, in progress, and mq_timedreceive that
// times out on time.
#include "subject.h"

#include <mqueue.h>

static char names[3][40];
static mqd_t queues[3];
static void unlink_all(void) {
  for (int i = 0; i < 3; ++i) mq_unlink(names[i]);
}

static void* receiver(void* arg) {
  char buffer[16] = {0};
  CHECK_EQ(mq_receive(queues[0], buffer, sizeof buffer, NULL), 2);
  CHECK_STR(buffer, "hi");
  return NULL;
}
static void* sender(void* arg) {
  CHECK_OK(mq_send(queues[1], "last", 4, 0));
  return NULL;
}
static void* timed(void* arg) {  // its clock is CLOCK_REALTIME, by definition absolute
  char buffer[16];
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 2;
  CHECK_ERRNO(mq_timedreceive(queues[2], buffer, sizeof buffer, NULL, &until), ETIMEDOUT);
  CHECK(now_ns(CLOCK_REALTIME) >= until.tv_sec * 1000000000LL + until.tv_nsec);
  return NULL;
}

int main(void) {
  struct thread threads[3];
  void* (*bodies[])(void*) = {receiver, sender, timed};
  static const char* const kCalls[] = {"mq_timedreceive", "mq_timedsend", "mq_timedreceive"};
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 16};
  char buffer[16];
  for (int i = 0; i < 3; ++i) {
    snprintf(names[i], sizeof names[i], "/subject-%d-%d", getpid(), i);
    queues[i] = (mqd_t)CHECK_OK(mq_open(names[i], O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  }
  subject_on_exit(unlink_all);
  CHECK_OK(mq_send(queues[1], "first", 5, 0));
  for (int i = 0; i < 3; ++i) {
    thread_start(&threads[i], bodies[i], NULL);
    wait_until_blocked(getpid(), threads[i].tid, kCalls[i]);
  }
  STEP("three in progress");
  wait_until_blocked(getpid(), threads[0].tid, kCalls[0]);
  wait_until_blocked(getpid(), threads[1].tid, kCalls[1]);
  CHECK_OK(mq_send(queues[0], "hi", 2, 0));
  thread_join(&threads[0]);
  CHECK_EQ(mq_receive(queues[1], buffer, sizeof buffer, NULL), 5);
  thread_join(&threads[1]);
  CHECK_EQ(mq_receive(queues[1], buffer, sizeof buffer, NULL), 4);
  thread_join(&threads[2]);
  subject_done();
}
