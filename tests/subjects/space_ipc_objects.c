// IPC namespaces of the application's own with objects in them: two, and what is outside of them,
// have the same ids, keys and names, and each keeps what is its own. One segment is attached by a
// process that has left its namespace, and calls are blocked inside.
#include "subject.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { kKey = 0x5eed, kSize = 20000 };
struct message {
  long type;
  char text[8];
};
struct objects {
  int segment, unattached, set, messages;
  mqd_t queue;
  char* memory;
};

static struct objects outer;

static struct objects make(unsigned seed) {
  struct objects made;
  made.segment = (int)CHECK_OK(shmget(kKey, kSize, IPC_CREAT | IPC_EXCL | 0600));
  made.memory = CHECK_MAP(shmat(made.segment, NULL, 0));
  fill_pattern(made.memory, kSize, seed);
  made.unattached = (int)CHECK_OK(shmget(kKey + 1, 4096, IPC_CREAT | IPC_EXCL | 0600));
  char* once = CHECK_MAP(shmat(made.unattached, NULL, 0));
  fill_pattern(once, 4096, seed + 10);
  CHECK_OK(shmdt(once));
  made.set = (int)CHECK_OK(semget(kKey, 2, IPC_CREAT | IPC_EXCL | 0600));
  struct sembuf up[] = {{0, (short)(seed + 5), 0}, {0, -2, SEM_UNDO}};
  CHECK_OK(semop(made.set, up, 2));
  made.messages = (int)CHECK_OK(msgget(kKey, IPC_CREAT | IPC_EXCL | 0600));
  struct message message = {.type = 1 + (long)seed, .text = "message"};
  CHECK_OK(msgsnd(made.messages, &message, sizeof message.text, 0));
  made.queue = (mqd_t)CHECK_OK(mq_open("/same", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  CHECK_OK(mq_send(made.queue, message.text, 3 + seed, seed));
  return made;
}

static void check(const struct objects* made, unsigned seed) {
  struct message message = {0};
  static char text[16384];
  unsigned priority = 0;
  struct shmid_ds segment;
  CHECK_EQ(shmget(kKey, 0, 0), made->segment);
  check_pattern(made->memory, kSize, seed);
  CHECK_OK(shmctl(made->segment, IPC_STAT, &segment));
  CHECK_EQ(segment.shm_nattch, 1);
  CHECK_EQ(segment.shm_cpid, getpid());
  char* once = CHECK_MAP(shmat(made->unattached, NULL, SHM_RDONLY));
  check_pattern(once, 4096, seed + 10);
  CHECK_OK(shmdt(once));
  CHECK_EQ(semget(kKey, 0, 0), made->set);
  CHECK_EQ(semctl(made->set, 0, GETVAL), seed + 3);
  CHECK_EQ(semctl(made->set, 0, GETPID), getpid());
  CHECK_EQ(msgget(kKey, 0), made->messages);
  CHECK_EQ(msgrcv(made->messages, &message, sizeof message.text, 0, IPC_NOWAIT),
           sizeof message.text);
  CHECK_EQ(message.type, 1 + seed);
  CHECK_EQ(mq_receive(made->queue, text, sizeof text, &priority), 3 + seed);
  CHECK_EQ(priority, seed);
  mqd_t again = (mqd_t)CHECK_OK(mq_open("/same", O_RDWR));
  CHECK_OK(mq_send(again, "x", 1, 0));
  CHECK_EQ(mq_receive(made->queue, text, sizeof text, NULL), 1);
  CHECK_OK(mq_close(again));
}

static void remove_all(const struct objects* made) {
  CHECK_OK(shmctl(made->segment, IPC_RMID, NULL));
  CHECK_OK(shmctl(made->unattached, IPC_RMID, NULL));
  CHECK_OK(semctl(made->set, 0, IPC_RMID));
  CHECK_OK(msgctl(made->messages, IPC_RMID, NULL));
  CHECK_OK(mq_unlink("/same"));
}

static void* receiver(void* arg) {
  struct message message;
  CHECK_EQ(msgrcv(((struct objects*)arg)->messages, &message, sizeof message.text, 99, 0), 2);
  return NULL;
}

// Lives in a namespace that it makes. With `leaves` it has another one's segment attached.
static struct peer start(unsigned seed, bool leaves) {
  struct peer child = peer_fork();
  if (child.pid != 0) return peer_hear(&child), child;
  const char* left = NULL;
  CHECK_OK(shmdt(outer.memory));
  if (leaves) {
    CHECK_OK(unshare(CLONE_NEWIPC));
    left = CHECK_MAP(shmat((int)CHECK_OK(shmget(kKey, 4096, IPC_CREAT | 0600)), NULL, 0));
    fill_pattern((char*)left, 4096, 77);
    int space = (int)CHECK_OK(open("/proc/self/ns/ipc", O_RDONLY));
    CHECK_EQ(fcntl(space, F_DUPFD, 50), 50);
    CHECK_OK(close(space));
  }
  CHECK_OK(unshare(CLONE_NEWIPC));
  struct objects made = make(seed);
  struct thread blocked;
  thread_start(&blocked, receiver, &made);
  wait_until_blocked(getpid(), blocked.tid, "msgrcv");
  peer_tell(&child, made.set);
  peer_hear(&child);
  wait_until_blocked(getpid(), blocked.tid, "msgrcv");
  check(&made, seed);
  struct message message = {.type = 99};
  CHECK_OK(msgsnd(made.messages, &message, 2, 0));
  thread_join(&blocked);
  if (leaves) {
    check_pattern(left, 4096, 77);
    CHECK_OK(shmdt(made.memory));
    CHECK_OK(mq_close(made.queue));
    CHECK_OK(setns(50, CLONE_NEWIPC));
    int id = (int)CHECK_OK(shmget(kKey, 0, 0));
    struct shmid_ds segment;
    CHECK_OK(shmctl(id, IPC_STAT, &segment));
    CHECK_EQ(segment.shm_nattch, 1);
    CHECK_OK(shmdt(left));
    CHECK_OK(shmctl(id, IPC_STAT, &segment));
    CHECK_EQ(segment.shm_nattch, 0);
  }
  peer_tell(&child, 0);
  peer_hear(&child);
  _exit(0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWIPC));
  outer = make(0);
  struct peer one = start(1, false), other = start(2, true);
  STEP("objects in three namespaces");
  check(&outer, 0);
  peer_tell(&one, 0), peer_hear(&one);
  peer_tell(&other, 0), peer_hear(&other);
  STEP("used since");
  peer_tell(&one, 0), peer_end(&one);
  peer_tell(&other, 0), peer_end(&other);
  CHECK_EQ(semctl(outer.set, 0, GETVAL), 3);
  remove_all(&outer);
  subject_done();
}
