// A folder that lies deeper than a path can tell.
#include "subject.h"

enum { kDepth = 30 };
static char name[200];

int main(void) {
  memset(name, 'd', sizeof name - 1);
  CHECK_OK(chdir(subject_dir()));
  for (int depth = 0; depth < kDepth; ++depth) {
    CHECK_OK(mkdir(name, 0700));
    CHECK_OK(chdir(name));
  }
  CHECK_OK(chdir("/"));
  subject_expect(kAnyProcess, "deeper than a path can tell");
  subject_hold();
  // The folder of this run is removed by its path, so what is too deep must go before.
  CHECK_OK(chdir(subject_dir()));
  for (int depth = 0; depth < kDepth - 1; ++depth) CHECK_OK(chdir(name));
  for (int depth = 0; depth < kDepth; ++depth) {
    CHECK_OK(rmdir(name));
    CHECK_OK(chdir(".."));
  }
  subject_done();
}
