// A sleep on a clock of processor time, stopped and continued before and between two snapshots,
// still ends when that much has been used.
#include "subject.h"

static atomic_int over;

static void* sleeper(void* arg) {
  const struct timespec used = {0, 200000000};
  CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &used, NULL), 0);
  over = 1;
  return NULL;
}

static void stop_and_continue(pid_t pid, pid_t sleeps) {
  CHECK_OK(kill(pid, SIGSTOP));
  CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
  CHECK_OK(kill(pid, SIGCONT));
  wait_until_blocked(pid, sleeps, "any");
}

int main(void) {
  struct peer peer = peer_fork();
  if (peer.pid == 0) {
    struct thread sleeping;
    thread_start(&sleeping, sleeper, NULL);
    wait_until_blocked(getpid(), sleeping.tid, "clock_nanosleep");
    peer_tell(&peer, sleeping.tid);
    peer_hear(&peer);
    CHECK_EQ(over, 0);
    const long long begin = now_ms(CLOCK_MONOTONIC);
    while (!over) CHECK(now_ms(CLOCK_MONOTONIC) - begin < 20000);  // uses processor time
    thread_join(&sleeping);
    _exit(0);
  }
  const pid_t sleeps = (pid_t)peer_hear(&peer);
  stop_and_continue(peer.pid, sleeps);
  STEP("begun again");
  stop_and_continue(peer.pid, sleeps);
  STEP("begun once more");
  peer_tell(&peer, 1);
  peer_end(&peer);
  subject_done();
}
