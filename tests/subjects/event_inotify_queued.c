// inotify events queued but not read are still there, in order, with their cookies; new ones come
// after them.
#include "subject.h"

#include <sys/inotify.h>

static char buffer[16384];

static struct inotify_event* take(ssize_t* at, int wd, uint32_t mask, const char* name) {
  struct inotify_event* event = (struct inotify_event*)(buffer + *at);
  *at += (ssize_t)(sizeof *event + event->len);
  CHECK_EQ(event->wd, wd);
  CHECK_EQ(event->mask, mask);
  CHECK_STR(event->len ? event->name : "", name);
  return event;
}

int main(void) {
  int fd = (int)CHECK_OK(inotify_init1(IN_NONBLOCK));
  CHECK_OK(mkdir(subject_path("folder"), 0755));
  int wd =
      (int)CHECK_OK(inotify_add_watch(fd, subject_path("folder"), IN_CREATE | IN_MOVE | IN_DELETE));
  write_text(subject_path("folder/a"), "");
  CHECK_OK(rename(subject_path("folder/a"), subject_path("folder/b")));
  CHECK_OK(unlink(subject_path("folder/b")));
  STEP("queued");
  write_text(subject_path("folder/c"), "");
  ssize_t size = CHECK_OK(read(fd, buffer, sizeof buffer)), at = 0;
  take(&at, wd, IN_CREATE, "a");
  uint32_t cookie = take(&at, wd, IN_MOVED_FROM, "a")->cookie;
  CHECK(cookie != 0);
  CHECK_EQ(take(&at, wd, IN_MOVED_TO, "b")->cookie, cookie);
  take(&at, wd, IN_DELETE, "b");
  take(&at, wd, IN_CREATE, "c");
  CHECK_EQ(at, size);
  subject_done();
}
