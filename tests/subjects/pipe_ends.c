// Pipe ends spread over three processes: a ring in which each reads from one and writes to the
// next.
#include "subject.h"

enum { kCount = 3 };

int main(void) {
  int ring[kCount + 1][2];
  pid_t pids[kCount];
  for (int i = 0; i <= kCount; ++i) CHECK_OK(pipe(ring[i]));
  for (int i = 0; i < kCount; ++i) {
    pids[i] = (pid_t)CHECK_OK(fork());
    if (pids[i] == 0) {
      for (int j = 0; j <= kCount; ++j) {
        if (j != i) close(ring[j][0]);
        if (j != i + 1) close(ring[j][1]);
      }
      int value;
      while (read(ring[i][0], &value, sizeof value) == sizeof value) {
        ++value;
        CHECK_EQ(write(ring[i + 1][1], &value, sizeof value), sizeof value);
      }
      _exit(0);  // end of input goes round too
    }
  }
  for (int j = 0; j <= kCount; ++j) {
    if (j != kCount) close(ring[j][0]);
    if (j != 0) close(ring[j][1]);
  }
  int value = 0;
  for (int round = 0; round < 3; ++round) {
    STEP(round == 0 ? "idle" : round == 1 ? "once round" : "twice round");
    value = round * 100;
    CHECK_EQ(write(ring[0][1], &value, sizeof value), sizeof value);
    CHECK_EQ(read(ring[kCount][0], &value, sizeof value), sizeof value);
    CHECK_EQ(value, round * 100 + kCount);
  }
  CHECK_OK(close(ring[0][1]));
  CHECK_EQ(read(ring[kCount][0], &value, sizeof value), 0);
  for (int i = 0; i < kCount; ++i) reap_ok(pids[i]);
  subject_done();
}
