// Real, effective, saved and file-system ids, user and group, differ per process and are all kept.
#include "subject.h"

#include <sys/fsuid.h>

struct ids {
  uid_t real, effective, saved, file;
};
static const struct ids kUsers[] = {
    {1001, 1002, 1003, 1003}, {0, 1005, 0, 1005}, {1006, 1006, 1006, 1006}};

static void take(const struct ids* ids) {
  CHECK_OK(setresgid(ids->real + 100, ids->effective + 100, ids->saved + 100));
  CHECK_OK(setresuid(ids->real, ids->effective, ids->saved));
  setfsgid(ids->file + 100);  // without privileges: one of the other three
  setfsuid(ids->file);
}

static void check(const struct ids* ids) {
  uid_t r, e, s;
  gid_t gr, ge, gs;
  CHECK_OK(getresuid(&r, &e, &s));
  CHECK_OK(getresgid(&gr, &ge, &gs));
  CHECK_EQ(r, ids->real);
  CHECK_EQ(e, ids->effective);
  CHECK_EQ(s, ids->saved);
  CHECK_EQ(gr, ids->real + 100);
  CHECK_EQ(ge, ids->effective + 100);
  CHECK_EQ(gs, ids->saved + 100);
  CHECK_EQ(setfsuid((uid_t)-1), ids->file);
  CHECK_EQ(setfsgid((gid_t)-1), ids->file + 100);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer children[3];
  for (int i = 0; i < 3; ++i) {
    children[i] = peer_fork();
    if (children[i].pid == 0) {
      take(&kUsers[i]);
      check(&kUsers[i]);
      peer_tell(&children[i], 0);
      peer_hear(&children[i]);
      check(&kUsers[i]);
      if (kUsers[i].saved == 0) CHECK_OK(seteuid(0));  // a saved root can come back
      if (kUsers[i].saved != 0) CHECK_ERRNO(seteuid(0), EPERM);
      _exit(0);
    }
    peer_hear(&children[i]);
  }
  STEP("ids");
  CHECK_EQ(getuid(), 0);
  CHECK_EQ(geteuid(), 0);
  for (int i = 0; i < 3; ++i) peer_tell(&children[i], 0), peer_end(&children[i]);
  subject_done();
}
