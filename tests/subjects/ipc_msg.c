// SysV message queues: ids, keys, limits and messages with their types, in order.
#include "subject.h"

#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
  long type;
  char text[3000];
};
static int ids[2];
static void remove_all(void) {
  for (int i = 0; i < 2; ++i) msgctl(ids[i], IPC_RMID, NULL);
}

static void send(int id, long type, size_t size, unsigned seed) {
  static struct message message;
  message.type = type;
  fill_pattern(message.text, size, seed);
  CHECK_OK(msgsnd(id, &message, size, IPC_NOWAIT));
}

static void receive(int id, long wanted, long type, size_t size, unsigned seed) {
  static struct message message;
  CHECK_EQ(msgrcv(id, &message, sizeof message.text, wanted, IPC_NOWAIT), size);
  CHECK_EQ(message.type, type);
  check_pattern(message.text, size, seed);
}

int main(void) {
  key_t key = 0x5d000000 + getpid();
  ids[0] = (int)CHECK_OK(msgget(key, IPC_CREAT | IPC_EXCL | 0640));
  ids[1] = (int)CHECK_OK(msgget(IPC_PRIVATE, 0600));
  subject_on_exit(remove_all);
  send(ids[0], 5, 10, 1);
  send(ids[0], 3, 3000, 2);
  send(ids[0], 5, 0, 3);
  send(ids[0], 9, 100, 4);
  send(ids[1], 1, 2000, 5);
  struct msqid_ds before, now;
  CHECK_OK(msgctl(ids[1], IPC_STAT, &before));
  before.msg_qbytes = 4000;
  CHECK_OK(msgctl(ids[1], IPC_SET, &before));
  STEP("queued");
  CHECK_EQ(msgget(key, 0), ids[0]);
  CHECK_OK(msgctl(ids[0], IPC_STAT, &now));
  CHECK_EQ(now.msg_qnum, 4);
  CHECK_EQ(now.msg_perm.mode & 0777, 0640);
  CHECK_OK(msgctl(ids[1], IPC_STAT, &now));
  CHECK_EQ(now.msg_qbytes, 4000);
  CHECK_EQ(now.__msg_cbytes, 2000);
  receive(ids[0], 9, 9, 100, 4);
  receive(ids[0], -4, 3, 3000, 2);
  receive(ids[0], 0, 5, 10, 1);
  receive(ids[0], 0, 5, 0, 3);
  CHECK_ERRNO(msgrcv(ids[0], &now, 1, 0, IPC_NOWAIT), ENOMSG);
  send(ids[1], 2, 2000, 6);
  CHECK_ERRNO(msgsnd(ids[1], &(struct message){.type = 1}, 1, IPC_NOWAIT), EAGAIN);
  receive(ids[1], 0, 1, 2000, 5);
  receive(ids[1], 0, 2, 2000, 6);
  subject_done();
}
