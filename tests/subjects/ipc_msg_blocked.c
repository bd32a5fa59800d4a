// msgrcv in progress for one type, and msgsnd on a full queue: both stay and then finish.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
  long type;
  char text[1000];
};
static int ids[2];
static void remove_all(void) {
  for (int i = 0; i < 2; ++i) msgctl(ids[i], IPC_RMID, NULL);
}

static void* receiver(void* arg) {
  struct message message;
  CHECK_EQ(msgrcv(ids[0], &message, sizeof message.text, 7, 0), 5);
  CHECK_STR(message.text, "type");
  return NULL;
}

static void* sender(void* arg) {
  struct message message = {.type = 99};
  CHECK_OK(msgsnd(ids[1], &message, sizeof message.text, 0));
  return NULL;
}

int main(void) {
  struct thread threads[2];
  struct message message = {.type = 6, .text = "other"};
  for (int i = 0; i < 2; ++i) ids[i] = (int)CHECK_OK(msgget(IPC_PRIVATE, 0600));
  subject_on_exit(remove_all);
  CHECK_OK(msgsnd(ids[0], &message, 6, 0));
  int full = 0;
  while (msgsnd(ids[1], &message, sizeof message.text, IPC_NOWAIT) == 0) ++full;
  CHECK_EQ(errno, EAGAIN);
  thread_start(&threads[0], receiver, NULL);
  thread_start(&threads[1], sender, NULL);
  wait_until_blocked(getpid(), threads[0].tid, "msgrcv");
  wait_until_blocked(getpid(), threads[1].tid, "msgsnd");
  STEP("both in progress");
  wait_until_blocked(getpid(), threads[0].tid, "msgrcv");
  wait_until_blocked(getpid(), threads[1].tid, "msgsnd");
  struct msqid_ds now;
  CHECK_OK(msgctl(ids[1], IPC_STAT, &now));
  CHECK_EQ(now.msg_qnum, full);
  strcpy(message.text, "type");
  message.type = 7;
  CHECK_OK(msgsnd(ids[0], &message, 5, 0));
  thread_join(&threads[0]);
  CHECK_EQ(msgrcv(ids[1], &message, sizeof message.text, 0, 0), sizeof message.text);
  thread_join(&threads[1]);
  CHECK_EQ(msgrcv(ids[1], &message, sizeof message.text, 99, 0), sizeof message.text);
  CHECK_EQ(msgrcv(ids[0], &message, sizeof message.text, 0, IPC_NOWAIT), 6);
  CHECK_STR(message.text, "other");
  subject_done();
}
