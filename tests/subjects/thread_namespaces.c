// Threads that live in network, host name and cgroup namespaces of their own: made by them, entered
// through another, or left by the first thread alone; each with its folder, too.
#include "subject.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { kPort = 7171, kThreads = 5 };
static atomic_int ready, step;
static atomic_int network_thread, listening;

static void say(void) { ++ready; }
static void wait_for(int wanted) { wait_until_flag(&step, wanted); }

static long inode_of(pid_t thread, const char* kind) {
  char path[64];
  struct stat info;
  snprintf(path, sizeof path, "/proc/self/task/%d/ns/%s", thread, kind);
  CHECK_OK(stat(path, &info));
  return (long)info.st_ino;
}

static void check_name(const char* expected) {
  char name[64];
  CHECK_OK(gethostname(name, sizeof name));
  CHECK_STR(name, expected);
}

static void* names(void* arg) {
  CHECK_OK(unshare(CLONE_NEWUTS | CLONE_FS));
  CHECK_OK(sethostname("apart", 5));
  CHECK_OK(chdir("/etc"));
  say();
  wait_for(1);
  check_name("apart");
  char cwd[PATH_MAX];
  CHECK(getcwd(cwd, sizeof cwd) != NULL);
  CHECK_STR(cwd, "/etc");
  CHECK(inode_of(gettid_raw(), "uts") != inode_of(getpid(), "uts"));
  CHECK_EQ(inode_of(gettid_raw(), "net"), inode_of(getpid(), "net"));
  return NULL;
}

static int stream(void) { return (int)CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

static struct sockaddr_in address(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(kPort)};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

// Its own loopback, where it listens at a port.
static void* network(void* arg) {
  CHECK_OK(unshare(CLONE_NEWNET));
  struct ifreq loopback = {.ifr_name = "lo"};
  listening = stream();
  CHECK_OK(ioctl(listening, SIOCGIFFLAGS, &loopback));
  loopback.ifr_flags |= IFF_UP;
  CHECK_OK(ioctl(listening, SIOCSIFFLAGS, &loopback));
  struct sockaddr_in name = address();
  CHECK_OK(bind(listening, (struct sockaddr*)&name, sizeof name));
  CHECK_OK(listen(listening, 4));
  network_thread = gettid_raw();
  say();
  wait_for(2);
  int accepted = (int)CHECK_OK(accept(listening, NULL, NULL));
  char text[8] = "";
  CHECK_EQ(read(accepted, text, 4), 4);
  CHECK_STR(text, "here");
  CHECK_OK(close(accepted));
  return NULL;
}

// Enters that one, and reaches who listens there.
static void* guest(void* arg) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/ns/net", network_thread);
  int space = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
  CHECK_OK(setns(space, CLONE_NEWNET));
  CHECK_OK(close(space));
  say();
  wait_for(1);
  CHECK_EQ(inode_of(gettid_raw(), "net"), inode_of(network_thread, "net"));
  CHECK(inode_of(gettid_raw(), "net") != inode_of(getpid(), "net"));
  struct sockaddr_in name = address();
  int connection = stream();
  CHECK_OK(connect(connection, (struct sockaddr*)&name, sizeof name));
  CHECK_EQ(write(connection, "here", 4), 4);
  CHECK_OK(close(connection));
  return NULL;
}

static void* group(void* arg) {
  CHECK_OK(unshare(CLONE_NEWCGROUP));
  say();
  wait_for(1);
  CHECK(inode_of(gettid_raw(), "cgroup") != inode_of(getpid(), "cgroup"));
  return NULL;
}

static void* stays(void* arg) {
  say();
  wait_for(1);
  check_name((const char*)arg);
  CHECK(inode_of(gettid_raw(), "uts") != inode_of(getpid(), "uts"));
  return NULL;
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  char before[64];
  CHECK_OK(gethostname(before, sizeof before));
  struct thread threads[kThreads];
  void* (*const bodies[kThreads])(void*) = {stays, names, network, guest, group};
  for (int i = 0; i < kThreads; ++i) {
    thread_start(&threads[i], bodies[i], before);
    wait_until_flag(&ready, i + 1);
  }
  // The others stay where they were.
  CHECK_OK(unshare(CLONE_NEWUTS));
  CHECK_OK(sethostname("first", 5));
  STEP("apart");
  check_name("first");
  struct sockaddr_in name = address();
  int connection = stream();
  CHECK_ERRNO(connect(connection, (struct sockaddr*)&name, sizeof name), ECONNREFUSED);
  CHECK_OK(close(connection));
  step = 1;
  for (int i = 0; i < kThreads; ++i)
    if (bodies[i] != network) thread_join(&threads[i]);
  STEP("one waits to be accepted");
  step = 2;
  thread_join(&threads[2]);
  subject_done();
}
