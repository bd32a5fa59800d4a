// The argument, environment, code and heap bounds in /proc/self/stat stay as they were.
#include "subject.h"

static void bounds(unsigned long long* fields) {
  char text[1024];
  read_text("/proc/self/stat", text, sizeof text);
  char* at = strrchr(text, ')') + 3;  // past the state, field 3
  for (int field = 4; field <= 52; ++field) fields[field] = strtoull(at, &at, 10);
}

int main(void) {
  static unsigned long long before[53], after[53];
  bounds(before);
  STEP("bounds");
  bounds(after);
  // startcode endcode startstack; start_data end_data start_brk arg_start arg_end env_start env_end
  static const int kFields[] = {26, 27, 28, 45, 46, 47, 48, 49, 50, 51};
  for (size_t i = 0; i < sizeof kFields / sizeof kFields[0]; ++i)
    if (after[kFields[i]] != before[kFields[i]])
      FAIL("field %d of stat is %#llx, expected %#llx", kFields[i], after[kFields[i]],
           before[kFields[i]]);
  CHECK_EQ(after[38], before[38]);  // exit_signal
  subject_done();
}
