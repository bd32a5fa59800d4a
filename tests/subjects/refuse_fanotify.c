// Holds a fanotify group with a mark on a folder.
#include "subject.h"

#include <sys/fanotify.h>

int main(void) {
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
  if (fd < 0) subject_skip("fanotify_init: %s", strerror(errno));
  CHECK_OK(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, subject_dir()));
  subject_expect(fd, "fanotify");
  subject_hold();
  write_text(subject_path("file"), "x");
  char buffer[4096];
  CHECK(read(fd, buffer, sizeof buffer) > 0);
  subject_done();
}
