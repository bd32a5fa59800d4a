#include "restore/id_keeper.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "os/child.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr uint32_t kNoMore = ~0U;

uint32_t load(const uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_SEQ_CST); }

void wait_while(uint32_t& word, uint32_t value) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void set(uint32_t& word, uint32_t value) {
  __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

[[noreturn]] void keep_ids_child(const Zone& zone, pid_t own) {
  StubControl& control = *zone.control();
  for (;;) {
    uint32_t wanted;
    while ((wanted = load(control.id_wanted)) == 0) wait_while(control.id_wanted, 0);
    if (wanted == kNoMore) ::_exit(0);
    Result<> kept = write_file("/proc/sys/kernel/ns_last_pid", std::to_string(wanted - 1));
    if (!kept) zone.fail(own, kept.error().message());
    set(control.id_next, wanted);
    while (load(control.id_wanted) == wanted) wait_while(control.id_wanted, wanted);
  }
}

}  // namespace

Result<> start_id_keeper(const Zone& zone, pid_t id) {
  if (TRY(fork_child({.pid = id})) == 0) keep_ids_child(zone, id);
  return {};
}

void end_id_keeper(const Zone& zone) { set(zone.control()->id_wanted, kNoMore); }

IdTurn::IdTurn(const Zone& zone, pid_t id) {
  if (id == 0) return;
  control_ = zone.control();
  const auto wanted = static_cast<uint32_t>(id);
  for (uint32_t nobody = 0; !__atomic_compare_exchange_n(&control_->id_turn, &nobody, 1, false,
                                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
       nobody = 0)
    wait_while(control_->id_turn, 1);
  set(control_->id_wanted, wanted);
  for (uint32_t now; (now = load(control_->id_next)) != wanted;) wait_while(control_->id_next, now);
}

IdTurn::~IdTurn() {
  if (control_ == nullptr) return;
  set(control_->id_next, 0);
  set(control_->id_wanted, 0);
  set(control_->id_turn, 0);
}

}  // namespace appshot
