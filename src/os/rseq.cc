#include "os/rseq.h"

#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace appshot {
namespace {

// What glibc registers, whatever part of it the kernel uses.
constexpr unsigned kRegisteredBytes = 32;

}  // namespace

Result<> unregister_rseq() {
  if (__rseq_size == 0) return {};
  char* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  const long done = ::syscall(SYS_rseq, area, kRegisteredBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
  // Who was made in another's memory has none, nor has who is forked by that one.
  if (done != 0 && errno != EINVAL) return Error::from_errno(errno, "rseq");
  return {};
}

}  // namespace appshot
