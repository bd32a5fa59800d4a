// Memory that nobody has touched since the restore is moved, shrunk, grown, given up, mapped anew,
// protected, locked, forked, and used by the kernel and by several at once: as ever.
#include <sys/uio.h>

#include "subject.h"

enum { PAGES = 64, AREAS = 14, THREADS = 8 };
static const size_t kPage = 4096;
static char* area[AREAS];

static char content(int which, size_t at) {
  return (char)(which * 31 + at / kPage * 7 + at % 251 + 1);
}

static void fill(int which) {
  area[which] =
      mmap(NULL, PAGES * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(area[which] != MAP_FAILED);
  for (size_t at = 0; at < PAGES * kPage; ++at) area[which][at] = content(which, at);
}

// Pages [first, end) of an area, which lie at `there`.
static void check_pages(const char* there, int which, size_t first, size_t end) {
  for (size_t at = first * kPage; at < end * kPage; ++at)
    CHECK_EQ(there[at - first * kPage], content(which, at));
}

static void check_zeros(const char* there, size_t pages) {
  for (size_t at = 0; at < pages * kPage; ++at) CHECK_EQ(there[at], 0);
}

static void* check_shared(void* arg) {
  check_pages(area[0], 0, 0, PAGES);
  return arg;
}

static void use(void) {
  // Several threads want the same pages at once.
  struct thread threads[THREADS];
  for (int i = 0; i < THREADS; ++i) thread_start(&threads[i], check_shared, NULL);
  for (int i = 0; i < THREADS; ++i) thread_join(&threads[i]);

  // A child has what its parent has not touched, and each its own.
  pid_t child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    check_pages(area[1], 1, 0, PAGES);
    memset(area[1], 0, PAGES * kPage);
    _exit(0);
  }
  reap_ok(child);
  check_pages(area[1], 1, 0, PAGES);

  // Moved: all of it is there, and at its old place nothing of it.
  char* free_place = mmap(NULL, PAGES * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* old_place = area[2];
  area[2] =
      mremap(old_place, PAGES * kPage, PAGES * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, free_place);
  CHECK(area[2] == free_place);
  CHECK(mmap(old_place, PAGES * kPage, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == old_place);
  check_zeros(old_place, PAGES);
  check_pages(area[2], 2, 0, PAGES);
  munmap(old_place, PAGES * kPage);

  // Shrunk and grown again: what is new is empty.
  CHECK(mremap(area[3], PAGES * kPage, 8 * kPage, 0) == area[3]);
  area[3] = mremap(area[3], 8 * kPage, PAGES * kPage, MREMAP_MAYMOVE);
  CHECK(area[3] != MAP_FAILED);
  check_pages(area[3], 3, 0, 8);
  check_zeros(area[3] + 8 * kPage, PAGES - 8);

  // Given up.
  CHECK_OK(madvise(area[4] + 4 * kPage, 4 * kPage, MADV_DONTNEED));
  check_zeros(area[4] + 4 * kPage, 4);
  check_pages(area[4], 4, 0, 4);
  check_pages(area[4] + 8 * kPage, 4, 8, PAGES);
  CHECK_OK(madvise(area[5], PAGES * kPage, MADV_FREE));
  memset(area[5], 1, kPage);
  CHECK_EQ(area[5][kPage - 1], 1);

  // Unmapped and mapped anew, in the middle.
  CHECK_OK(munmap(area[6] + 16 * kPage, 16 * kPage));
  CHECK(mmap(area[6] + 16 * kPage, 16 * kPage, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area[6] + 16 * kPage);
  check_zeros(area[6] + 16 * kPage, 16);
  check_pages(area[6], 6, 0, 16);
  check_pages(area[6] + 32 * kPage, 6, 32, PAGES);

  // Protected in parts, which makes several mappings of it.
  CHECK_OK(mprotect(area[7] + 10 * kPage, 10 * kPage, PROT_READ));
  CHECK_OK(mprotect(area[7] + 30 * kPage, 10 * kPage, PROT_NONE));
  check_pages(area[7], 7, 0, 30);
  CHECK_OK(mprotect(area[7] + 30 * kPage, 10 * kPage, PROT_READ));
  check_pages(area[7] + 30 * kPage, 7, 30, PAGES);

  CHECK_OK(mlock(area[8], PAGES * kPage));
  check_pages(area[8], 8, 0, PAGES);
  CHECK_OK(munlock(area[8], PAGES * kPage));

  // Read and written by the kernel.
  int ends[2];
  CHECK_OK(pipe(ends));
  CHECK_EQ(write(ends[1], area[9], 8 * kPage), (ssize_t)(8 * kPage));
  CHECK_EQ(read(ends[0], area[10] + kPage / 2, 8 * kPage), (ssize_t)(8 * kPage));
  check_pages(area[10] + kPage / 2, 9, 0, 8);
  for (size_t at = 0; at < kPage / 2; ++at) CHECK_EQ(area[10][at], content(10, at));
  check_pages(area[10] + 9 * kPage, 10, 9, PAGES);
  close(ends[0]);
  close(ends[1]);

  // By another process.
  child = (pid_t)CHECK_OK(fork());
  if (child == 0) {
    static char copy[PAGES * 4096];
    struct iovec here = {copy, sizeof copy}, there = {area[11], sizeof copy};
    CHECK_EQ(process_vm_readv(getppid(), &here, 1, &there, 1, 0), (ssize_t)sizeof copy);
    check_pages(copy, 11, 0, PAGES);
    _exit(0);
  }
  reap_ok(child);
  check_pages(area[11], 11, 0, PAGES);

  // A child that runs another program; its parent goes on.
  child = (pid_t)CHECK_OK(vfork());
  if (child == 0) {
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  reap_ok(child);
  check_pages(area[12], 12, 0, PAGES);

  // Moved away, and something else moved there.
  CHECK_OK(munmap(area[13], 32 * kPage));
  char* onto = mremap(area[12], 32 * kPage, 32 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, area[13]);
  CHECK(onto == area[13]);
  check_pages(onto, 12, 0, 32);
  check_pages(area[13] + 32 * kPage, 13, 32, PAGES);
  CHECK(mmap(area[12], 32 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) == area[12]);
}

int main(void) {
  for (int i = 0; i < AREAS; ++i) fill(i);
  STEP("never touched since");
  use();
  for (int i = 0; i < AREAS; ++i) {
    munmap(area[i], PAGES * kPage);
    fill(i);
  }
  STEP("changed before");
  use();
  subject_done();
}
