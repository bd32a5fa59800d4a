#include "restore/script.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "resources/attributes/attributes.h"
#include "resources/awaited.h"
#include "resources/credentials/credentials.h"
#include "resources/epoll/epoll.h"
#include "resources/files/ownership.h"
#include "resources/ipc/sem_undo.h"
#include "resources/limits/limits.h"
#include "resources/locks/locks.h"
#include "resources/made_early.h"
#include "resources/maker.h"
#include "resources/mqueue/notification.h"
#include "resources/scheduling/scheduling.h"
#include "resources/seccomp/seccomp.h"
#include "resources/signals/signals.h"
#include "resources/terminals/states.h"
#include "resources/threads/threads.h"
#include "resources/timers/timers.h"
#include "resources/user_spaces.h"
#include "restore/beside.h"
#include "restore/born_late.h"
#include "restore/id_keeper.h"
#include "restore/place_memory.h"
#include "restore/stages.h"

namespace appshot {
namespace {

constexpr uint64_t kThreadFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

class ProcessScript {
 public:
  // `told`: where those who are made early tell that they are there, and the owner of their memory
  // that it has taken it.
  ProcessScript(const image::ImageT& image, const image::ProcessT& process, int exe_fd,
                const LateFiles& late, const OwnParts& own_parts, const Births& births, Zone& zone,
                const std::map<int, uint64_t>& told)
      : image_(image),
        process_(process),
        exe_fd_(exe_fd),
        late_(late),
        own_parts_(own_parts),
        births_(births),
        zone_(zone),
        told_(told),
        waiter_(waiter_for(image, process)),
        users_(user_spaces::of(image, process)),
        users_at_birth_(births.users_at_birth(process)) {}

  // Of a process that is forked, with its own memory in windows.
  Result<StubTask*> write(const PlacePlan& place, bool lazy) {
    CallList calls;
    calls.set_tag(kTagMemory);
    plan_place_memory(place, calls, zone_.data());
    if (lazy) let_memory_be_watched(calls);
    return write(std::move(calls));
  }

  // Of one that is cloned into the memory of its maker.
  Result<StubTask*> write_cloned(const image::ProcessT& maker) {
    CallList calls;
    calls.set_tag(kTagAttributes);
    if (is_made_early(image_, process_))
      take_place(calls);
    else if (process_.session == process_.pid)
      calls.add(SYS_setsid);
    else if (process_.group != maker.group)
      calls.add(SYS_setpgid, 0, 0);
    if (process_.personality != maker.personality)
      calls.add_may_fail(SYS_personality, process_.personality);  // returns the former
    calls.set_tag(kTagFiles);
    if (born_late()) own_parts_.plan_carry_open(process_, calls);
    own_parts_.plan_take(&process_, calls, zone_.data());
    terminals::plan_foreground(image_, births_.spaces(), process_, calls, zone_.data());
    return write(std::move(calls));
  }

 private:
  // By one that is made early: what a forked process does in become_child, when everyone is there.
  void take_place(CallList& calls) {
    const PidSpaces& spaces = births_.spaces();
    calls.add(STUB_OP_TELL, told_.at(process_.pid), 1);
    barrier(kStageTree, calls);
    calls.set_tag(kTagAttributes);
    const int group = spaces.seen_by(process_, process_.group);
    if (process_.session != process_.pid && group != 0) calls.add(SYS_setpgid, 0, group);
    const uint64_t info = zone_.data().put(siginfo_t{});
    for (const auto& child : image_.processes) {
      if (child->parent != process_.pid || child->state != image::ProcessState::zombie) continue;
      const int id = spaces.seen_by(process_, child->pid);
      if (spaces.is_first(*child) && (child->exit_status & 0x7f) == SIGKILL)
        calls.add(SYS_kill, id, SIGKILL);
      calls.add(SYS_waitid, P_PID, id, info, WEXITED | WNOWAIT | __WALL, 0);
    }
    barrier(kStageGroups, calls);
    calls.add(STUB_OP_AWAIT, told_.at(memory_owner(image_, process_).pid), 1);
    calls.set_tag(kTagAttributes);
  }

  Result<StubTask*> write(CallList calls) {
    DataSpace& data = zone_.data();
    // A process may live on without its first thread; the others are made by it before it ends.
    const bool leader_ends = process_.state == image::ProcessState::leader_exited;
    const image::ThreadT* leader = leader_ends ? nullptr : process_.threads.front().get();
    calls.set_tag(kTagLocks);
    locks::plan(process_, calls, data);
    calls.set_tag(kTagAttributes);
    attributes::plan(process_, calls);
    enter_user_space(calls);
    // Those that were made early may use it.
    if (!process_.shares_memory && told_.contains(process_.pid))
      calls.add(STUB_OP_TELL, told_.at(process_.pid), 1);
    TRY(spawn_threads(leader_ends ? 0 : 1, calls));
    TRY(clone_processes(calls));
    if (has_table_of_awaiting(image_, process_)) TRY(spawn_closer(calls));
    if (leader != nullptr) thread_itself(*leader, calls);
    barrier(kStageThreads, calls);
    wait_for_keepers(calls);

    calls.set_tag(kTagFiles);
    if (!has_table_of_awaiting(image_, process_)) own_parts_.plan_give_up(process_, calls);
    // All who share its descriptors have their memory.
    if (has_common_table(image_, process_) && owns_beside(image_, process_))
      calls.add(SYS_close_range, own_parts_.end(), ~0U, 0);
    if (!born_late()) late_.plan_open(births_.spaces(), process_, calls, data);
    files::plan_owners(image_, births_.spaces(), process_, calls, data);
    calls.set_tag(kTagSemaphores);
    ipc::plan_undo(image_, process_, calls, data);
    calls.set_tag(kTagTimers);
    timers::plan_create(births_.spaces(), process_, calls, data);
    calls.set_tag(kTagSignals);
    if (!process_.shares_actions) signals::plan_actions(process_, calls, data);
    signals::plan_pending_of_process(births_.spaces(), process_, calls, data);
    if (leader != nullptr)
      signals::plan_pending_of_thread(births_.spaces(), process_, *leader, calls, data);
    barrier(kStageTraced, calls);

    calls.set_tag(kTagFiles);
    if (!born_late()) late_.plan_take(births_.spaces(), process_, calls);
    mqueues::plan_register(image_, process_, calls, data);
    epolls::plan_late_entries(image_, process_, calls, data);
    calls.set_tag(kTagLimits);
    limits::plan(process_, calls, data);
    if (leader != nullptr) privileges(*leader, calls);
    calls.set_tag(kTagTimers);
    timers::plan_set(image_, process_, calls, data);
    finish(leader_ends, calls);
    return zone_.add_task(calls, process_.pid);
  }

  void barrier(uint32_t stage, CallList& calls) {
    calls.set_tag(kTagBarrier);
    calls.add(STUB_OP_BARRIER, stage);
  }

  // Until the harness has a copy of the descriptor, and somebody serves.
  void let_memory_be_watched(CallList& calls) {
    const int fd = LazyMemory::descriptor(process_, late_);
    calls.add_expecting(fd, SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    barrier(kStageMemory, calls);
    calls.set_tag(kTagMemory);
    calls.add(SYS_close, fd);
  }

  void thread_itself(const image::ThreadT& thread, CallList& calls) {
    calls.set_tag(kTagFiles);
    own_parts_.plan_take(&thread, calls, zone_.data());
    calls.set_tag(kTagThread);
    threads::plan(thread, calls, zone_.data());
  }

  // What takes privileges comes before what gives them up; filters first of all, while the harness
  // keeps them from having effect.
  void privileges(const image::ThreadT& thread, CallList& calls) {
    DataSpace& data = zone_.data();
    calls.set_tag(kTagSeccomp);
    seccomp::plan(thread, born_late() ? waiter_.thread->filters.size() : 0, calls, data);
    calls.set_tag(kTagScheduling);
    scheduling::plan(*thread.scheduling, calls, data);
    calls.set_tag(kTagCredentials);
    if (!born_late() || *thread.credentials != *waiter_.thread->credentials)
      who_it_is(*thread.credentials, calls);
    threads::plan_parent_death_signal(thread, calls);
    // By every thread: any of them changing who it is resets it for all.
    calls.set_tag(kTagAttributes);
    attributes::plan_dumpable(process_, calls);
  }

  // A process can enter it only as long as it has one thread, and has then no rights left in the
  // one it comes from.
  void enter_user_space(CallList& calls) {
    if (process_.shares_memory) return;  // its parent had before it was made
    calls.set_tag(kTagCredentials);
    if (users_ != users_at_birth_) {
      if (users_at_birth_ < 0)
        credentials::plan_ids(*process_.threads.front()->credentials, false, calls, zone_.data());
      calls.add(SYS_setns, user_space_descriptor(exe_fd_), CLONE_NEWUSER);
      // So that others there, who have no right over it, can open files about it.
      attributes::plan_dumpable(process_, calls);
    }
    if (users_ >= 0) calls.add(SYS_close, user_space_descriptor(exe_fd_));
    const int space = process_.space_of_children;
    if (space >= 0 && !image_.namespaces[static_cast<size_t>(space)]->ended &&
        births_.spaces().first_of(space) == nullptr)
      calls.add(SYS_unshare, CLONE_NEWPID);
  }

  void who_it_is(const image::CredentialsT& who, CallList& calls) {
    if (users_ < 0) return credentials::plan(who, calls, zone_.data());
    const image::NamespaceT& users = *image_.namespaces[static_cast<size_t>(users_)];
    const image::CredentialsT& entered = user_spaces::entered_as(image_, process_);
    if (users_at_birth_ >= 0) {
      if (auto seen = credentials::seen_in(users, who))
        credentials::plan_ids(*seen,
                              users.groups_denied || seen->groups.size() != who.groups.size(),
                              calls, zone_.data());
    } else if (who.uid != entered.uid || who.gid != entered.gid || who.groups != entered.groups) {
      if (auto change = credentials::change_in(users, entered, who))
        credentials::plan_ids(change->ids, !change->groups_too, calls, zone_.data());
    }
    credentials::plan_rights(who, calls, zone_.data());
  }

  // Of a thread or process of this one's, which has entered its user namespace or been born with
  // the rights of who waits for it.
  void plan_spawn(StubTask* task, uint64_t flags, int id, int exit_signal, CallList& calls) {
    const Births::Ids ids = born_late()
                                ? births_.ids_born_late(process_, *waiter_.thread, id)
                                : births_.ids(users_, births_.spaces().space_of(process_), id);
    const std::vector<int32_t> chosen(ids.chosen.begin(), ids.chosen.end());
    const uint64_t chosen_at = zone_.data().put(chosen.data(), chosen.size() * sizeof(int32_t));
    const uint64_t kept_at = ids.kept.empty() ? 0 : zone_.data().put(to_stub(ids.kept));
    calls.set_tag(kTagThread);
    calls.add_expecting(births_.spaces().seen_by(process_, id), STUB_OP_SPAWN, task, flags,
                        chosen_at, chosen.size(), exit_signal, kept_at);
  }

  // Those that keep ids in pid namespaces which its children have begun.
  void wait_for_keepers(CallList& calls) {
    if (births_.keepers().empty()) return;
    calls.set_tag(kTagThread);
    for (const auto& child : image_.processes) {
      if (child->parent != process_.pid || !births_.spaces().is_first(*child)) continue;
      const int keeper = births_.keeper_of(births_.spaces().space_of(*child));
      if (keeper < 0) continue;
      const auto pid_at = reinterpret_cast<uint64_t>(&zone_.control()->keepers[keeper].pid);
      calls.add_with_first_at(SYS_wait4, pid_at, 0, __WALL, 0);
    }
  }

  void finish(bool ends_here, CallList& calls) {
    if (ends_here) {
      calls.set_tag(kTagThread);
      calls.add(SYS_exit, (process_.exit_status >> 8) & 0xff);
      return;
    }
    barrier(born_late() ? kStageBorn : kStageReady, calls);
  }

  // For whom its parent waits in vfork: with the rights that its parent has by then.
  bool born_late() const { return waiter_.process != nullptr; }

  // Who lets go of what the process holds for its children, when these are born and it waits.
  Result<> spawn_closer(CallList& calls) {
    const int id = closer_of(image_, births_.spaces(), process_);
    CallList own;
    barrier(kStageBorn, own);
    own.set_tag(kTagFiles);
    own_parts_.plan_give_up(process_, own);
    own.set_tag(kTagThread);
    own.add(SYS_exit, 0);
    plan_spawn(TRY(zone_.add_task(own, id)), kThreadFlags, id, 0, calls);
    return {};
  }

  Result<> spawn_threads(size_t first, CallList& calls) {
    for (size_t i = first; i < process_.threads.size(); ++i) {
      const image::ThreadT& thread = *process_.threads[i];
      if (thread.folders_of == 0) TRY(spawn_thread(thread, calls));
    }
    return {};
  }

  // With those that share its folders: it makes them when it has its own.
  Result<> spawn_thread(const image::ThreadT& thread, CallList& calls) {
    CallList own;
    thread_itself(thread, own);
    for (const auto& other : process_.threads)
      if (other->folders_of == thread.tid) TRY(spawn_thread(*other, own));
    barrier(kStageThreads, own);
    own.set_tag(kTagSignals);
    signals::plan_pending_of_thread(births_.spaces(), process_, thread, own, zone_.data());
    barrier(kStageTraced, own);
    privileges(thread, own);
    finish(false, own);
    StubTask* task = TRY(zone_.add_task(own, thread.tid));
    plan_spawn(task, kThreadFlags, thread.tid, 0, calls);
    return {};
  }

  Result<> clone_processes(CallList& calls) {
    for (const auto& child : image_.processes) {
      if (!child->shares_memory || maker_of(*child) != process_.pid) continue;
      if (is_awaited(image_, *child) || is_made_early(image_, *child)) continue;
      StubTask* task =
          TRY(ProcessScript(image_, *child, exe_fd_, late_, own_parts_, births_, zone_, told_)
                  .write_cloned(process_));
      // Made for the parent of its maker it has the signal of that one.
      const bool for_parent = child->maker != 0;
      const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES |
                             (child->shares_actions ? CLONE_SIGHAND : 0) |
                             (for_parent ? CLONE_PARENT : 0);
      const int exit_signal = for_parent ? 0 : std::max(child->exit_signal, 0);
      plan_spawn(task, flags, child->pid, exit_signal, calls);
    }
    return {};
  }

  const image::ImageT& image_;
  const image::ProcessT& process_;
  const int exe_fd_;
  const LateFiles& late_;
  const OwnParts& own_parts_;
  const Births& births_;
  Zone& zone_;
  const std::map<int, uint64_t>& told_;
  const Waiter waiter_;
  const int users_, users_at_birth_;  // Image.namespaces[]; -1: the instance's own
};

// Somebody more takes part in the first stage: who has them mounted.
bool mounts_processes(const image::ImageT& image) {
  return std::ranges::any_of(image.file_systems,
                             [](const auto& system) { return system->processes_of >= 0; });
}

}  // namespace

uint64_t zone_bytes_for(const image::ImageT& image) {
  uint64_t bytes = 1 << 20;
  for (const auto& set : image.sysv_sem)
    bytes += set->undo.size() * ipc::kUndoCallsMax * (sizeof(StubCall) + 64);
  for (const auto& process : image.processes) {
    bytes += 96 * 1024;
    if (has_table_of_awaiting(image, *process))
      bytes += 48 * 1024;  // for who closes what they need
    if (process->address_space)
      for (const auto& mapping : process->address_space->mappings)
        bytes += 4 * sizeof(StubCall) + mapping->guards.size() * sizeof(StubCall) +
                 2 * mapping->aio_ended.size();
    for (const auto& thread : process->threads) {
      bytes += 48 * 1024 + thread->pending.size() * 512;
      for (const auto& filter : thread->filters) bytes += filter->instructions.size() + 512;
    }
    for (const auto& descriptor : process->descriptors) bytes += descriptor->locks.size() * 256;
    bytes += process->descriptors.size() * (8 * sizeof(StubCall) + 1536);
    bytes += process->pending.size() * 512 + process->posix_timers.size() * 1024;
  }
  return (bytes + 4095) / 4096 * 4096;
}

Result<Script> write_script(const image::ImageT& image, const MemoryLayout& layout,
                            const std::vector<proc::Mapping>& ours, int exe_fd,
                            const FileMappings& files, const LazyMemory& lazy,
                            const LateFiles& late, const OwnParts& own_parts, const Births& births,
                            Zone& zone) {
  std::vector<proc::Mapping> kernel;
  for (const proc::Mapping& mapping : ours)
    if (mapping.name == "[vdso]" || mapping.name.starts_with("[vvar")) kernel.push_back(mapping);
  Script script;
  for (const auto& process : image.processes)
    if (is_made_early(image, *process))
      for (int pid : {process->pid, memory_owner(image, *process).pid})
        if (!script.told.contains(pid)) script.told[pid] = zone.data().put(uint32_t{0});
  StubControl& control = *zone.control();
  control.expected[kStageTree] += mounts_processes(image);
  for (size_t i = 0; i < image.processes.size(); ++i) {
    const image::ProcessT& process = *image.processes[i];
    if (!process.shares_memory || is_made_early(image, process)) {
      control.expected[kStageTree] += 1;
      control.expected[kStageGroups] += process.state != image::ProcessState::zombie;
    }
    if (process.state == image::ProcessState::zombie) continue;
    control.expected[kStageBorn] += has_table_of_awaiting(image, process);
    if (is_awaited(image, process)) continue;
    bool leader_ends = process.state == image::ProcessState::leader_exited;
    auto threads = static_cast<uint32_t>(process.threads.size());
    control.expected[kStageMemory] += lazy.has_any(i);
    control.expected[kStageThreads] += threads + (leader_ends ? 1 : 0);
    control.expected[kStageTraced] += threads + (leader_ends ? 1 : 0);
    control.expected[kStageReady] += threads;
    if (is_made_early(image, process))
      script.leaders[process.pid] =
          TRY(ProcessScript(image, process, exe_fd, late, own_parts, births, zone, script.told)
                  .write_cloned(*find_maker(image, process)));
    if (process.shares_memory) continue;  // else its parent's script makes it
    PlacePlan place{image,
                    process,
                    *process.address_space,
                    layout.windows[i],
                    layout.spans[i],
                    kernel,
                    zone.address(),
                    zone.length(),
                    zone.parking(),
                    exe_fd,
                    files,
                    has_common_table(image, process)};
    script.leaders[process.pid] =
        TRY(ProcessScript(image, process, exe_fd, late, own_parts, births, zone, script.told)
                .write(place, lazy.has_any(i)));
  }
  for (const auto& process : image.processes)
    if (const Waiter waiter = waiter_for(image, *process); waiter.process != nullptr)
      script.born_late[process->pid] =
          TRY(ProcessScript(image, *process, exe_fd, late, own_parts, births, zone, script.told)
                  .write_cloned(*waiter.process));
  return script;
}

}  // namespace appshot
