// User namespaces of the application's own: the ids they map, who a process is there and what it
// may do; with threads; one inside another; one that maps nothing.
#include "subject.h"

#include <grp.h>
#include <linux/capability.h>

enum { kInner = 1234, kOuter = 4321, kGroup = 77 };

static void write_own(const char* file, const char* text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/%s", file);
  write_text(path, text);
}

static void write_of(pid_t pid, const char* file, const char* text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  write_text(path, text);
}

static uint64_t effective(void) {
  char text[4096];
  read_text("/proc/self/status", text, sizeof text);
  return strtoull(strstr(text, "CapEff:") + 7, NULL, 16);
}

static atomic_int go_on;
static void* wait_in_thread(void* arg) {
  (void)arg;
  wait_until_flag(&go_on, 1);
  CHECK_EQ(getuid(), 0);
  return (void*)(long)gettid_raw();
}

// Root there is nobody special here.
static void check_mapped(struct peer* child) {
  CHECK_OK(setgroups(0, NULL));
  CHECK_OK(setresgid(kOuter, kOuter, kOuter));
  CHECK_OK(setresuid(kOuter, kOuter, kOuter));
  CHECK_OK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  CHECK_OK(unshare(CLONE_NEWUSER));
  write_own("setgroups", "deny");
  write_own("uid_map", "0 4321 1");
  write_own("gid_map", "0 4321 1");
  CHECK_EQ(getuid(), 0);
  CHECK_EQ(getgid(), 0);
  const uint64_t can = effective();
  CHECK_OK(unshare(CLONE_NEWUTS));
  CHECK_OK(sethostname("inner", 5));
  struct thread thread;
  thread_start(&thread, wait_in_thread, NULL);
  peer_tell(child, 0);
  peer_hear(child);
  char map[200];
  read_text("/proc/self/uid_map", map, sizeof map);
  unsigned inside, outside, count;
  CHECK_EQ(sscanf(map, "%u %u %u", &inside, &outside, &count), 3);
  CHECK_EQ(inside, 0);
  CHECK_EQ(outside, kOuter);
  CHECK_EQ(count, 1);
  read_text("/proc/self/setgroups", map, sizeof map);
  CHECK_STR(map, "deny\n");
  CHECK_EQ(getuid(), 0);
  CHECK_EQ(effective(), can);
  CHECK_OK(sethostname("other", 5));
  CHECK_ERRNO(open("/proc/sys/kernel/core_pattern", O_WRONLY), EACCES);
  atomic_store(&go_on, 1);
  CHECK_EQ((long)thread_join(&thread), thread.tid);
}

static void check_as_somebody(struct peer* child) {
  struct peer inner = peer_fork();
  if (inner.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWUSER));
    peer_tell(&inner, 0);
    peer_hear(&inner);  // mapped by the parent
    gid_t group = kGroup;
    CHECK_OK(setgroups(1, &group));
    CHECK_OK(setresgid(kInner, kInner, kInner));
    CHECK_OK(setresuid(kInner, kInner, kInner));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    CHECK_OK(syscall(SYS_capset, &header, none));
    peer_tell(&inner, 0);
    peer_hear(&inner);
    CHECK_EQ(getuid(), kInner);
    CHECK_EQ(getgid(), kInner);
    CHECK_EQ(getgroups(1, &group), 1);
    CHECK_EQ(group, kGroup);
    CHECK_EQ(effective(), 0);
    CHECK_ERRNO(setuid(kInner + 1), EPERM);
    _exit(0);
  }
  peer_hear(&inner);
  write_of(inner.pid, "uid_map", "0 100000 5000");
  write_of(inner.pid, "gid_map", "0 100000 1000\n1000 200000 1000");
  peer_tell(&inner, 0);
  peer_hear(&inner);
  peer_tell(child, 0);
  peer_hear(child);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", inner.pid);
  char text[4096];
  read_text(path, text, sizeof text);
  unsigned uid = 0;
  CHECK_EQ(sscanf(strstr(text, "\nUid:"), "\nUid:\t%u", &uid), 1);
  CHECK_EQ(uid, 100000 + kInner);
  peer_tell(&inner, 0);
  peer_end(&inner);
}

static void check_unmapped(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWUSER));
  CHECK_EQ(getuid(), 65534);
  peer_tell(child, 0);
  peer_hear(child);
  CHECK_EQ(getuid(), 65534);
  write_own("uid_map", "0 0 1");  // what is its maker's to do
  CHECK_EQ(getuid(), 0);
}

static void check_nested(struct peer* child) {
  CHECK_OK(unshare(CLONE_NEWUSER));
  write_own("setgroups", "deny");
  write_own("uid_map", "0 0 1");
  write_own("gid_map", "0 0 1");
  CHECK_EQ(getuid(), 0);
  CHECK_OK(unshare(CLONE_NEWUSER));
  write_own("uid_map", "500 0 1");
  peer_tell(child, 0);
  peer_hear(child);
  CHECK_EQ(getuid(), 500);
  CHECK(effective() != 0);
  char map[200];
  read_text("/proc/self/uid_map", map, sizeof map);
  unsigned inside, outside, count;
  CHECK_EQ(sscanf(map, "%u %u %u", &inside, &outside, &count), 3);
  CHECK_EQ(inside, 500);
  CHECK_EQ(outside, 0);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  const peer_body checks[] = {check_mapped, check_as_somebody, check_unmapped, check_nested};
  enum { kCount = sizeof checks / sizeof checks[0] };
  struct peer children[kCount];
  peers_start(children, checks, kCount);
  STEP("all");
  peers_end(children, kCount);
  subject_done();
}
