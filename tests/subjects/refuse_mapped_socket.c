// Memory into which a TCP connection puts what it receives (TCP_ZEROCOPY_RECEIVE).
#include "subject.h"

#include <sys/socket.h>

int main(void) {
  const int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
  void* memory = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) subject_skip("mmap of a socket: %s", strerror(errno));
  subject_expect(kNoDescriptor, "a mapping of socket:");
  subject_hold();
  CHECK_OK(munmap(memory, page_size()));
  subject_done();
}
