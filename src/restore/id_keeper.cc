#include "restore/id_keeper.h"

#include <unistd.h>

#include "os/file.h"
#include "os/futex.h"

namespace appshot {
namespace {

constexpr uint32_t kNoMore = ~0U;
static_assert(Births::kKeepersMax == STUB_KEEPERS);

uint32_t load(const uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_SEQ_CST); }

void set(uint32_t& word, uint32_t value) {
  __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
  futex_wake_all(word);
}

}  // namespace

void keep_ids_child(const Zone& zone, int keeper, pid_t own) {
  auto& slot = zone.control()->keepers[keeper];
  set(slot.stands, 1);
  for (;;) {
    uint32_t wanted;
    while ((wanted = load(slot.wanted)) == 0) futex_wait(slot.wanted, 0);
    if (wanted == kNoMore) ::_exit(0);
    Result<> kept = write_file("/proc/sys/kernel/ns_last_pid", std::to_string(wanted - 1));
    if (!kept) zone.fail(own, kept.error().message());
    set(slot.next, wanted);
    while (load(slot.wanted) == wanted) futex_wait(slot.wanted, wanted);
    set(slot.next, 0);  // whoever comes next may want the same
  }
}

void end_id_keepers(const Zone& zone, int but) {
  for (int i = 0; i < STUB_KEEPERS; ++i)
    if (i != but) set(zone.control()->keepers[i].wanted, kNoMore);
}

StubKeptIds to_stub(const std::vector<Births::Kept>& kept) {
  StubKeptIds ids{};
  for (const Births::Kept& one : kept)
    ids.each[ids.count++] = {static_cast<uint32_t>(one.keeper), static_cast<uint32_t>(one.id)};
  return ids;
}

IdTurn::IdTurn(const Zone& zone, const std::vector<Births::Kept>& kept, bool alone)
    : ids_(to_stub(kept)) {
  if (kept.empty() && !alone) return;
  // Whoever makes a keeper may need a turn for that, and so must not wait for ours.
  for (const Births::Kept& one : kept) {
    uint32_t& stands = zone.control()->keepers[one.keeper].stands;
    while (load(stands) == 0) futex_wait(stands, 0);
  }
  control_ = zone.control();
  for (uint32_t nobody = 0; !__atomic_compare_exchange_n(&control_->id_turn, &nobody, 1, false,
                                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
       nobody = 0)
    futex_wait(control_->id_turn, 1);
  for (uint32_t i = 0; i < ids_.count; ++i) {
    auto& slot = control_->keepers[ids_.each[i].keeper];
    set(slot.wanted, ids_.each[i].id);
    for (uint32_t now; (now = load(slot.next)) != ids_.each[i].id;) futex_wait(slot.next, now);
  }
}

IdTurn::~IdTurn() {
  if (control_ == nullptr) return;
  for (uint32_t i = 0; i < ids_.count; ++i) {
    auto& slot = control_->keepers[ids_.each[i].keeper];
    set(slot.wanted, 0);
    for (uint32_t now; (now = load(slot.next)) != 0;) futex_wait(slot.next, now);
  }
  set(control_->id_turn, 0);
}

}  // namespace appshot
