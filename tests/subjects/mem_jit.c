// Code made at run time, in executable anonymous memory and in a doubly mapped memfd, runs and can
// be rewritten.
#include "subject.h"

static void emit(unsigned char* code, unsigned value) {  // mov $value, %eax; ret
  code[0] = 0xb8;
  memcpy(code + 1, &value, 4);
  code[5] = 0xc3;
}

int main(void) {
  size_t page = page_size();
  unsigned char* anon = CHECK_MAP(
      mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int fd = (int)CHECK_OK(syscall(SYS_memfd_create, "code", 0));
  CHECK_OK(ftruncate(fd, (off_t)page));
  unsigned char* writable = CHECK_MAP(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  unsigned char* executable = CHECK_MAP(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
  CHECK_OK(close(fd));
  unsigned (*call_anon)(void) = (unsigned (*)(void))anon;
  unsigned (*call_shared)(void) = (unsigned (*)(void))executable;
  emit(anon, 1234);
  emit(writable, 5678);
  CHECK_EQ(call_anon(), 1234);
  STEP("compiled");
  CHECK_EQ(call_anon(), 1234);
  CHECK_EQ(call_shared(), 5678);
  emit(anon, 4321);
  emit(writable, 8765);
  CHECK_EQ(call_anon(), 4321);
  CHECK_EQ(call_shared(), 8765);
  subject_done();
}
