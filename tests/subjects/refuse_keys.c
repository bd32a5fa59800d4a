// Keys of the kernel that only a session, a process or one thread has.
#include "subject.h"

#include <linux/keyctl.h>

static long add_key_to(long keyring) {
  return syscall(SYS_add_key, "user", "subject", "secret", 6, keyring);
}

static atomic_int end;
static void* hold_key(void* arg) {
  CHECK_OK(add_key_to(KEY_SPEC_THREAD_KEYRING));
  peer_tell(arg, 0);
  while (!end) nap_ms(1);
  return NULL;
}

static void be_thread(struct peer* above) {
  struct thread thread = {0};
  thread_start(&thread, hold_key, above);
  peer_hear(above);
  end = 1;
  thread_join(&thread);
  _exit(0);
}

static void be_process(struct peer* above) {
  CHECK_OK(add_key_to(KEY_SPEC_PROCESS_KEYRING));
  peer_tell(above, 0);
  peer_hear(above);
  _exit(0);
}

int main(void) {
  // A session without keys is in nobody's way.
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
    subject_skip("KEYCTL_JOIN_SESSION_KEYRING: %s", strerror(errno));
  STEP("an empty session");
  const peer_body bodies[] = {be_thread, be_process};
  struct peer peers[2];
  peers_start(peers, bodies, 2);
  CHECK_OK(add_key_to(KEY_SPEC_SESSION_KEYRING));
  subject_expect(kNoDescriptor, "keys of its session");
  subject_expect(kAnyProcess, "keys of its thread");
  subject_expect(kAnyProcess, "keys of its process");
  subject_hold();
  peers_end(peers, 2);
  subject_done();
}
