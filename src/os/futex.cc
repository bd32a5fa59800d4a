#include "os/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace appshot {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

void futex_wait(const uint32_t& word, uint32_t value) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void futex_wake_all(const uint32_t& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void futex_wait(const std::atomic<uint32_t>& word, uint32_t value) {
  futex_wait(reinterpret_cast<const uint32_t&>(word), value);
}

void futex_wake_all(const std::atomic<uint32_t>& word) {
  futex_wake_all(reinterpret_cast<const uint32_t&>(word));
}

}  // namespace appshot
