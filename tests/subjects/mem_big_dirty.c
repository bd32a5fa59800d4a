// A writer dirties memory all the time: each snapshot holds one moment of it (a counter never runs
// behind its copy).
#include "subject.h"

enum { kPages = 2000 };
static volatile long* words;
static atomic_int stop;

static void* writer(void* arg) {
  size_t stride = page_size() / sizeof(long);
  for (long round = 1; !stop; ++round)
    for (size_t i = 0; i < kPages; ++i) words[i * stride] = round;  // page by page, in order
  return NULL;
}

static void check_consistent(void) {
  size_t stride = page_size() / sizeof(long);
  for (size_t i = 1; i < kPages; ++i) {
    long before = words[(i - 1) * stride], here = words[i * stride];
    // one boundary, one apart, when nobody writes
    if (here != before && here != before - 1) FAIL("page %zu holds %ld after %ld", i, here, before);
  }
}

int main(void) {
  words = CHECK_MAP(
      mmap(NULL, kPages * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  struct thread thread;
  thread_start(&thread, writer, NULL);
  STEP("while writing");
  STEP("and again");
  stop = 1;
  thread_join(&thread);
  stop = 0;
  check_consistent();
  subject_done();
}
