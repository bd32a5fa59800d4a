// Holds a BPF map with an element in it.
#include "subject.h"

#include <linux/bpf.h>

int main(void) {
  union bpf_attr attr = {
      .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4};
  int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
  if (fd < 0) subject_skip("bpf: %s", strerror(errno));
  int key = 1;
  long value = 42, now = 0;
  union bpf_attr element = {
      .map_fd = (unsigned)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value};
  CHECK_OK(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &element, sizeof element));
  subject_expect(fd, "bpf");
  subject_hold();
  element =
      (union bpf_attr){.map_fd = (unsigned)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&now};
  CHECK_OK(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &element, sizeof element));
  CHECK_EQ(now, 42);
  subject_done();
}
