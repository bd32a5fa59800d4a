// Host names of the application's own: a namespace that two processes live in, one that is only
// held open, and one in which nothing was changed. What is changed in one is seen in no other.
#include "subject.h"

#include <sys/utsname.h>

static void check_names(const char* host, const char* domain) {
  struct utsname name;
  CHECK_OK(uname(&name));
  CHECK_STR(name.nodename, host);
  CHECK_STR(name.domainname, domain);
}

static ino_t space_of(const char* path) {
  struct stat info;
  CHECK_OK(stat(path, &info));
  return info.st_ino;
}

static ino_t space_of_process(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
  return space_of(path);
}

static void set_names(const char* host, const char* domain) {
  CHECK_OK(sethostname(host, strlen(host)));
  CHECK_OK(setdomainname(domain, strlen(domain)));
}

// Tells what it sees whenever it is asked, until it hears 0.
static struct peer start(int space, const char* host, const char* domain) {
  struct peer child = peer_fork();
  if (child.pid != 0) return peer_hear(&child), child;
  if (space >= 0)
    CHECK_OK(setns(space, CLONE_NEWUTS));
  else
    CHECK_OK(unshare(CLONE_NEWUTS)), set_names(host, domain);
  peer_tell(&child, 0);
  for (long command; (command = peer_hear(&child)) != 0;) {
    if (command == 2) set_names(host = "renamed", domain);
    struct utsname name;
    CHECK_OK(uname(&name));
    peer_tell(&child, strcmp(name.nodename, "renamed") == 0 ? 2 : strcmp(name.nodename, host) == 0);
  }
  _exit(0);
}

static long ask(const struct peer* child, long command) {
  peer_tell(child, command);
  return peer_hear(child);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  CHECK_OK(unshare(CLONE_NEWUTS));
  set_names("outer-host", "outer.domain");
  struct peer first = start(-1, "inner-host", "inner.domain");
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/uts", first.pid);
  int space = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  struct peer second = start(space, "inner-host", "");
  struct peer passing = start(-1, "held-host", "held.domain");
  snprintf(path, sizeof path, "/proc/%d/ns/uts", passing.pid);
  int held = (int)CHECK_OK(open(path, O_RDONLY));
  peer_tell(&passing, 0);
  peer_end(&passing);
  STEP("named");
  check_names("outer-host", "outer.domain");
  CHECK_EQ(ask(&first, 1), 1);
  CHECK_EQ(ask(&second, 1), 1);
  CHECK_EQ(space_of_process(first.pid), space_of_process(second.pid));
  CHECK(space_of_process(first.pid) != space_of("/proc/self/ns/uts"));
  struct stat info;
  CHECK_OK(fstat(space, &info));
  CHECK_EQ(info.st_ino, space_of_process(first.pid));
  CHECK_EQ(ask(&first, 2), 2);
  CHECK_EQ(ask(&second, 1), 2);
  STEP("renamed");
  CHECK_EQ(ask(&first, 1), 2);
  CHECK_EQ(ask(&second, 1), 2);
  check_names("outer-host", "outer.domain");
  CHECK_OK(setns(held, CLONE_NEWUTS));
  check_names("held-host", "held.domain");
  STEP("entered");
  check_names("held-host", "held.domain");
  CHECK_OK(setns(space, 0));
  check_names("renamed", "inner.domain");
  peer_tell(&first, 0), peer_end(&first);
  peer_tell(&second, 0), peer_end(&second);
  subject_done();
}
