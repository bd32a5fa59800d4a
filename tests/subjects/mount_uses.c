// What leads to files in a mount namespace of the application's own: watches (inotify), fifos,
// locks, devices, sockets bound by a relative name, a removed working directory, a thread with
// folders of its own, and a file that was opened through a descriptor of another namespace.
#include "subject_mounts.h"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static char folder[PATH_MAX], outer[PATH_MAX];
static atomic_int ready, go;

static const char* at(const char* name) { return path_in(folder, name); }

static void check_cwd(const char* expected) {
  char text[PATH_MAX] = {0};
  CHECK(getcwd(text, sizeof text) != NULL);
  CHECK_STR(text, expected);
}

static void* own_folder(void* arg) {
  CHECK_OK(unshare(CLONE_FS));
  CHECK_OK(chdir(at("a")));
  ready = 1;
  wait_until_flag(&go, 1);
  check_cwd(at("a"));
  return NULL;
}

static void expect_event(int inotify, const char* name) {
  char buffer[1024] __attribute__((aligned(8)));
  CHECK(read(inotify, buffer, sizeof buffer) > 0);
  CHECK_STR(((struct inotify_event*)buffer)->name, name);
}

static void inside(struct peer* child, int outer_folder) {
  own_mounts();
  CHECK_OK(mount("uses", folder, "tmpfs", 0, NULL));
  CHECK_OK(mount(outer, outer, NULL, MS_BIND, NULL));
  CHECK_OK(mount(NULL, outer, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  int removed = (int)CHECK_OK(open(path_in(outer, "removed"), O_RDONLY));
  CHECK_OK(mkdir(at("a"), 0755));
  CHECK_OK(mkdir(at("watched"), 0755));
  CHECK_OK(mkdir(at("gone"), 0711));
  CHECK_OK(mkfifo(at("fifo"), 0600));
  CHECK_OK(mknod(at("null"), S_IFCHR | 0666, makedev(1, 3)));
  write_text(at("locked"), "0123456789");
  int watch = (int)CHECK_OK(inotify_init1(IN_NONBLOCK));
  CHECK_OK(inotify_add_watch(watch, at("watched"), IN_CREATE));
  CHECK_OK(inotify_add_watch(watch, outer, IN_CREATE));
  int fifo = (int)CHECK_OK(open(at("fifo"), O_RDWR));
  CHECK_EQ(write(fifo, "fifo", 4), 4);
  int null = (int)CHECK_OK(open(at("null"), O_RDWR));
  int locked = (int)CHECK_OK(open(at("locked"), O_RDWR));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
  CHECK_OK(fcntl(locked, F_SETLK, &lock));
  int whole = (int)CHECK_OK(open(at("locked"), O_RDWR));
  CHECK_OK(flock(whole, LOCK_EX));
  int before = (int)CHECK_OK(openat(outer_folder, "file", O_RDONLY));
  int folder_fd = (int)CHECK_OK(open(at("watched"), O_PATH | O_DIRECTORY));
  CHECK_OK(chdir(at("a")));
  int bound = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "relative"};
  CHECK_OK(bind(bound, (struct sockaddr*)&name, sizeof name));
  CHECK_OK(chdir(at("gone")));
  CHECK_OK(rmdir(at("gone")));
  struct thread thread;
  thread_start(&thread, own_folder, NULL);
  wait_until_flag(&ready, 1);
  peer_tell(child, 0);
  peer_hear(child);

  char text[64] = {0};
  int other = (int)CHECK_OK(open(at("watched/new"), O_CREAT | O_WRONLY, 0600));
  expect_event(watch, "new");
  CHECK_EQ(read(fifo, text, sizeof text), 4);
  CHECK_STR(text, "fifo");
  CHECK_EQ(write(null, "x", 1), 1);
  int again = (int)CHECK_OK(open(at("locked"), O_RDWR));
  CHECK_ERRNO(flock(again, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_OK(close(again));  // gives up the record lock, as always
  memset(text, 0, sizeof text);
  CHECK_EQ(pread(before, text, sizeof text, 0), 5);
  CHECK_STR(text, "outer");
  CHECK_OK(faccessat(folder_fd, "new", F_OK, 0));
  memset(text, 0, sizeof text);
  CHECK_EQ(pread(removed, text, sizeof text, 0), 7);
  CHECK_STR(text, "removed");
  struct stat info;
  CHECK_OK(fstat(removed, &info));
  CHECK_EQ(info.st_nlink, 0);
  CHECK_ERRNO(open(path_in(outer, "new"), O_CREAT | O_WRONLY, 0600), EROFS);
  CHECK_OK(stat(".", &info));
  CHECK_EQ(info.st_nlink, 0);
  CHECK_EQ(info.st_mode, S_IFDIR | 0711);
  CHECK_ERRNO(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
  int sender = (int)CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  CHECK_OK(chdir(at("a")));
  CHECK_OK(connect(sender, (struct sockaddr*)&name, sizeof name));
  CHECK_EQ(send(sender, "hello", 5, 0), 5);
  CHECK_EQ(recv(bound, text, sizeof text, 0), 5);
  memset(&name, 0, sizeof name);
  socklen_t length = sizeof name;
  CHECK_OK(getsockname(bound, (struct sockaddr*)&name, &length));
  CHECK_STR(name.sun_path, "relative");
  go = 1;
  thread_join(&thread);
  CHECK_OK(close(other));
  _exit(0);
}

int main(void) {
  mounts_begin();
  CHECK_OK(mkdir(subject_path("on"), 0755));
  CHECK_OK(mkdir(subject_path("outer"), 0755));
  snprintf(folder, sizeof folder, "%s", subject_path("on"));
  snprintf(outer, sizeof outer, "%s", subject_path("outer"));
  write_text(path_in(outer, "file"), "outer");
  write_text(path_in(outer, "removed"), "removed");
  int outer_folder = (int)CHECK_OK(open(outer, O_RDONLY | O_DIRECTORY));
  struct peer child = peer_fork();
  if (child.pid == 0) inside(&child, outer_folder);
  peer_hear(&child);
  CHECK_OK(unlink(path_in(outer, "removed")));
  STEP("in use");
  peer_tell(&child, 0);
  peer_end(&child);
  subject_done();
}
