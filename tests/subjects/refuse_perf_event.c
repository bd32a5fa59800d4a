// Holds a performance counter.
#include "subject.h"

#include <linux/perf_event.h>

int main(void) {
  struct perf_event_attr attr = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
  int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
  if (fd < 0) subject_skip("perf_event_open: %s", strerror(errno));
  subject_expect(fd, "perf");
  subject_hold();
  long count = 0;
  CHECK_EQ(read(fd, &count, sizeof count), sizeof count);
  CHECK(count > 0);
  subject_done();
}
