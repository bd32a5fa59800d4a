// inotify watches on files and folders keep their numbers, with gaps, and masks; events come after
// the restore.
#include "subject.h"

#include <sys/inotify.h>

static int fd;

static void expect(int wd, uint32_t mask, const char* name) {
  static char buffer[4096];
  static ssize_t size, at;
  if (at >= size) {
    size = CHECK_OK(read(fd, buffer, sizeof buffer));
    at = 0;
  }
  struct inotify_event* event = (struct inotify_event*)(buffer + at);
  at += (ssize_t)(sizeof *event + event->len);
  CHECK_EQ(event->wd, wd);
  CHECK_EQ(event->mask, mask);
  CHECK_STR(event->len ? event->name : "", name);
}

int main(void) {
  fd = (int)CHECK_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  write_text(subject_path("file"), "x");
  write_text(subject_path("other"), "x");
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  int removed = (int)CHECK_OK(inotify_add_watch(fd, subject_path("other"), IN_OPEN));
  int folder = (int)CHECK_OK(
      inotify_add_watch(fd, subject_path("folder"), IN_CREATE | IN_DELETE | IN_ONLYDIR));
  int file = (int)CHECK_OK(inotify_add_watch(fd, subject_path("file"), IN_MODIFY | IN_CLOSE_WRITE));
  int once = (int)CHECK_OK(
      inotify_add_watch(fd, subject_path("other"), IN_ATTRIB | IN_ONESHOT | IN_MASK_ADD));
  CHECK_EQ(once, removed);
  CHECK_OK(inotify_rm_watch(fd, removed));
  once = (int)CHECK_OK(inotify_add_watch(fd, subject_path("other"), IN_ATTRIB | IN_ONESHOT));
  expect(removed, IN_IGNORED, "");
  CHECK_EQ(folder, 2);
  CHECK_EQ(file, 3);
  CHECK_EQ(once, 4);
  STEP("watches");
  char byte[16];
  CHECK_ERRNO(read(fd, byte, sizeof byte), EAGAIN);  // the restore itself is no event
  CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  write_text(subject_path("folder/made"), "");
  expect(folder, IN_CREATE, "made");
  int writer = (int)CHECK_OK(open(subject_path("file"), O_WRONLY));
  CHECK_EQ(write(writer, "y", 1), 1);
  CHECK_OK(close(writer));
  expect(file, IN_MODIFY, "");
  expect(file, IN_CLOSE_WRITE, "");
  CHECK_OK(chmod(subject_path("other"), 0600));
  expect(once, IN_ATTRIB, "");
  expect(once, IN_IGNORED, "");
  CHECK_ERRNO(read(fd, byte, sizeof byte), EAGAIN);
  CHECK_EQ(inotify_add_watch(fd, subject_path("other"), IN_OPEN), 5);
  CHECK_OK(inotify_rm_watch(fd, folder));
  expect(folder, IN_IGNORED, "");
  CHECK_ERRNO(inotify_rm_watch(fd, removed), EINVAL);
  subject_done();
}
