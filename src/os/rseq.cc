#include "os/rseq.h"

#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot {
namespace {

// What glibc registers, whatever part of it the kernel uses.
constexpr unsigned kRegisteredBytes = 32;

}  // namespace

Result<> unregister_rseq() {
  if (__rseq_size == 0) return {};
  char* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  TRY_SYS(::syscall(SYS_rseq, area, kRegisteredBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  return {};
}

}  // namespace appshot
