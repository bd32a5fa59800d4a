// Namespaces that nobody lives in, kept by a file each (as `ip netns add` does), entered again by
// it; one that is kept by two; and a sysfs, which shows the devices of its network.
#include "subject_tools.h"

#include <sys/mount.h>
#include <sys/utsname.h>

static void keep(pid_t pid, const char* kind, const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  CHECK_OK(close((int)CHECK_OK(open(subject_path(name), O_CREAT | O_WRONLY, 0600))));
  CHECK_OK(mount(path, subject_path(name), NULL, MS_BIND, NULL));
}

static void enter(const char* name) {
  int fd = (int)CHECK_OK(open(subject_path(name), O_RDONLY | O_CLOEXEC));
  CHECK_OK(setns(fd, 0));
  CHECK_OK(close(fd));
}

static ino_t number(const char* name) {
  struct stat info;
  CHECK_OK(stat(subject_path(name), &info));
  return info.st_ino;
}

static void check_kept(void) {
  CHECK_EQ(number("net-again"), number("net"));
  struct peer visitor = peer_fork();
  if (visitor.pid == 0) {
    enter("net"), enter("uts");
    struct utsname names;
    CHECK_OK(uname(&names));
    CHECK_STR(names.nodename, "room");
    char* addresses = told_by("ip -o addr show dev kept");
    CHECK(strstr(addresses, "10.91.0.2/24") != NULL);
    free(addresses);
    peer_tell(&visitor, 0);
    _exit(0);
  }
  peer_hear(&visitor);
  peer_end(&visitor);
}

static void make_kept(void) {
  struct peer maker = peer_fork();
  if (maker.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWNET | CLONE_NEWUTS));
    CHECK_OK(sethostname("room", 4));
    peer_tell(&maker, 0);
    peer_hear(&maker);
    tool("ip addr add 10.91.0.2/24 dev kept; ip link set kept up");
    peer_tell(&maker, 0);
    _exit(0);
  }
  peer_hear(&maker);
  keep(maker.pid, "net", "net"), keep(maker.pid, "net", "net-again"), keep(maker.pid, "uts", "uts");
  tool("ip link add here type veth peer name kept netns %d", maker.pid);
  peer_tell(&maker, 0);
  peer_hear(&maker), peer_end(&maker);
}

static bool shows(const char* folder, const char* device) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/class/net/%s", folder, device);
  return access(path, F_OK) == 0;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) {
    CHECK_OK(unshare(CLONE_NEWNET | CLONE_NEWNS));
    CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  }
  make_kept();
  CHECK_OK(mkdir(subject_path("sys"), 0700));
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWNET | CLONE_NEWNS));
    CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    tool("ip link add in type bridge");
    CHECK_OK(mount("sysfs", subject_path("sys"), "sysfs", MS_RDONLY, NULL));
    for (;;) {
      CHECK(shows(subject_path("sys"), "in") && !shows(subject_path("sys"), "here"));
      peer_tell(&child, 0);
      if (peer_hear(&child) == 0) _exit(0);
    }
  }
  peer_hear(&child);
  for (const char** step = (const char*[]){"kept", "again", NULL}; *step; ++step) {
    STEP(*step);
    check_kept();
    peer_tell(&child, 1), peer_hear(&child);
  }
  CHECK_OK(umount(subject_path("net-again")));
  CHECK_OK(umount(subject_path("net"))), CHECK_OK(umount(subject_path("uts")));
  peer_tell(&child, 0), peer_end(&child);
  subject_done();
}
