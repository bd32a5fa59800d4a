// Memory segments of its own (modify_ldt), as emulators of old programs use them.
#include "subject.h"

#include <asm/ldt.h>

int main(void) {
  static char memory[4096];
  struct user_desc segment = {.entry_number = 1,
                              .base_addr = (unsigned)(uintptr_t)memory,
                              .limit = sizeof memory - 1,
                              .seg_32bit = 1,
                              .useable = 1};
  if (syscall(SYS_modify_ldt, 1, &segment, sizeof segment) != 0)
    subject_skip("modify_ldt: %s", strerror(errno));
  subject_expect(kNoDescriptor, "memory segments of its own");
  subject_hold();
  subject_done();
}
