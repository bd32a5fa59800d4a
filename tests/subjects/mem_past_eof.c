// A file mapping that reaches past the end of its file: zeros to the page's end, SIGBUS after it,
// until the file grows.
#include "subject.h"

#include <setjmp.h>

static sigjmp_buf target;
static volatile sig_atomic_t signo_seen;
static void on_fault(int signo) {
  signo_seen = signo;
  siglongjmp(target, 1);
}

static int touch(volatile char* at) {
  signo_seen = 0;
  if (sigsetjmp(target, 1) == 0) (void)*at;
  return signo_seen;
}

int main(void) {
  size_t page = page_size();
  CHECK(signal(SIGBUS, on_fault) != SIG_ERR);
  int fd = (int)CHECK_OK(open(subject_path("file"), O_RDWR | O_CREAT, 0644));
  CHECK_OK(ftruncate(fd, (off_t)(2 * page + 100)));
  char* map = CHECK_MAP(mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  char* private_map = CHECK_MAP(mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  fill_pattern(map, 2 * page + 100, 1);
  private_map[0] = 'p';
  STEP("past the end");
  check_pattern(map, 2 * page + 100, 1);
  CHECK_EQ(map[2 * page + 200], 0);
  CHECK_EQ(private_map[0], 'p');
  CHECK_EQ(touch(map + 3 * page), SIGBUS);
  CHECK_EQ(touch(private_map + 4 * page), SIGBUS);
  CHECK_OK(ftruncate(fd, (off_t)(5 * page)));
  CHECK_EQ(touch(map + 3 * page), 0);
  CHECK_EQ(touch(private_map + 4 * page), 0);
  map[4 * page] = 'n';
  CHECK_EQ(private_map[4 * page], 'n');
  CHECK_EQ(touch(map + 5 * page), SIGBUS);
  subject_done();
}
