#include "restore/born_late.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <set>

#include "resources/awaited.h"
#include "restore/id_keeper.h"
#include "restore/remote_call.h"
#include "restore/stages.h"

namespace appshot {
namespace {

constexpr int kIdMin = 2;
constexpr uint64_t kStackReserve = 72;  // as Zone::enter leaves it

// What the child begins with: the stub, as if it had been called.
Result<> send_to_work(Tracee& child, const StubTask& task, const Zone& zone) {
  user_regs_struct registers = TRY(child.registers());
  registers.rip = zone.address();
  registers.rdi = reinterpret_cast<uint64_t>(&task);
  registers.rsp = task.stack_top - kStackReserve;
  registers.rbp = 0;
  registers.orig_rax = static_cast<unsigned long long>(-1);
  TRY(child.set_registers(registers));
  return child.resume();
}

Result<> make_child(const LateBirth& birth, const Births& births, Zone& zone, Deadline deadline) {
  const Births::Ids ids = births.ids_born_late(birth.child, birth.record, birth.child.pid);
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES |
               (birth.child.shares_actions ? CLONE_SIGHAND : 0);
  args.exit_signal = static_cast<uint64_t>(std::max(birth.child.exit_signal, 0));
  if (!ids.chosen.empty())
    args.set_tid = zone.data().put(ids.chosen.data(), ids.chosen.size() * sizeof(pid_t));
  args.set_tid_size = ids.chosen.size();
  TRY(birth.waiter.set_options(birth.options | PTRACE_O_TRACEVFORK));
  TRY(begin_remote_call(birth.waiter, zone, SYS_clone3,
                        CallArguments(zone.data().put(args), sizeof args)));
  const IdTurn turn(zone, ids.kept);
  TRY(enter_remote_call(birth.waiter, deadline));
  const StopStatus stop = TRY(birth.waiter.wait_stop(deadline));
  if (stop.has_made_child()) return {};
  const auto result = static_cast<int64_t>(TRY(birth.waiter.registers()).rax);
  return Error::from_errno(result < 0 ? static_cast<int>(-result) : EINVAL,
                           "the birth of process " + std::to_string(birth.child.pid));
}

}  // namespace

int closer_of(const image::ImageT& image, const PidSpaces& spaces, const image::ProcessT& process) {
  std::set<int> used;
  std::vector<int> who_need_one;
  for (const auto& other : image.processes) {
    used.insert({other->pid, other->group, other->session});
    for (const auto& thread : other->threads) used.insert(thread->tid);
    if (has_table_of_awaiting(image, *other)) who_need_one.push_back(other->pid);
  }
  const auto which = std::ranges::find(who_need_one, process.pid) - who_need_one.begin();
  int id = kIdMin;
  for (auto left = which;; ++id)
    if (!used.contains(id) && !spaces.is_used(id) && left-- == 0) return id;
}

Result<Tracee> bear(const LateBirth& birth, const Births& births, Zone& zone, Deadline deadline) {
  TRY(make_child(birth, births, zone, deadline));
  Tracee child = Tracee::born(TRY(birth.waiter.who_was_born()));
  TRY(child.wait_stop(deadline));
  TRY(child.set_options(birth.options));
  zone.control()->expected[kStageBorn] += 1;
  TRY(send_to_work(child, *birth.task, zone));
  TRY(zone.wait_stage(kStageBorn, deadline, [&]() -> Result<> {
    const std::optional<StopStatus> stop = TRY(child.try_wait_stop());
    if (!stop) return {};
    return Error(ErrorClass::other, "process " + std::to_string(birth.child.pid) +
                                        " stopped by signal " + std::to_string(stop->signal()) +
                                        " while it was restored");
  }));
  TRY(child.interrupt());
  TRY(child.wait_stop(deadline));
  return child;
}

}  // namespace appshot
