#include "restore/become_child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <span>

#include "os/file.h"
#include "os/futex.h"
#include "os/proc/process_dir.h"
#include "os/thread_ids.h"
#include "resources/children/continued.h"
#include "resources/credentials/credentials.h"
#include "resources/made_early.h"
#include "resources/mounts/restore_mounts.h"
#include "resources/namespaces.h"
#include "resources/terminals/states.h"
#include "restore/beside.h"
#include "restore/birthplace.h"
#include "restore/id_keeper.h"
#include "restore/inherited_windows.h"
#include "restore/spawn_plan.h"
#include "restore/stages.h"
#include "restore/surroundings.h"

namespace appshot {
namespace {

constexpr int kDefaultPidMax = 32768;
constexpr size_t kSharedStackBytes = 256 << 10;

class Becoming {
 public:
  Becoming(const BecomeContext& context, const SpawnPlan& plan)
      : context_(context),
        image_(context.restore.image),
        plan_(plan),
        spaces_(context.births.spaces()),
        place_(context.births, context.zone),
        windows_(image_, context.layout, plan) {
    for (const auto& process : image_.processes) {
      if (process->state != image::ProcessState::zombie &&
          (!process->shares_memory || is_made_early(image_, *process)))
        groups_led_.insert(process->pid);
    }
  }

  Result<> children_of_init() {
    TRY(windows_.withhold_below(1));
    TRY(start_id_keeper(-1, SIGCHLD));
    TRY(mount_processes());
    return make_children(1, context_.restore.application_group, true);
  }

 private:
  const SpawnPlan::Node& node(int pid) const {
    static const SpawnPlan::Node kNone;
    auto found = plan_.nodes.find(pid);
    return found == plan_.nodes.end() ? kNone : found->second;
  }

  Result<> make_children(int pid, int cgroup, bool after_session) {
    const SpawnPlan::Node& mine = node(pid);
    const std::vector<size_t>& children = after_session ? mine.children : mine.before_session;
    if (children.size() < SpawnPlan::kManyChildren || !can_be_made_by_midwife(children)) {
      for (size_t index : children) TRY(make_process(index, {.cgroup = cgroup}));
    } else {
      const auto each = static_cast<size_t>(std::sqrt(children.size()));
      for (size_t first = 0; first < children.size(); first += each) {
        const size_t count = std::min(each, children.size() - first);
        TRY(make_by_midwife(mine.midwife, std::span(children).subspan(first, count), cgroup));
      }
    }
    if (!after_session) return {};
    for (const SpawnPlan::StandIn& stand_in : mine.stand_ins) TRY(make_stand_in(stand_in, cgroup));
    return {};
  }

  // What a midwife cannot pass on is another signal than her own, and what is not hers; she stays
  // where she is.
  bool can_be_made_by_midwife(const std::vector<size_t>& children) const {
    return std::ranges::all_of(children, [&](size_t index) {
      const image::ProcessT& child = *image_.processes[index];
      const bool tells_by_sigchld = child.exit_signal < 0 || child.exit_signal == SIGCHLD;
      return tells_by_sigchld && !shares_beside(child) && !child.shares_memory &&
             spaces_.space_of(child) == place_.space() && !spaces_.is_first(child);
    });
  }

  // One after the other: siblings are waited for in the order in which they were born.
  Result<> make_by_midwife(int midwife, std::span<const size_t> children, int cgroup) {
    for (size_t index : children) TRY(windows_.pass_on(index));
    pid_t pid = TRY(place_.fork_helper(place_.space(), midwife, {}));
    if (pid == 0) {
      Result<> done;
      for (size_t index : children)
        if (done) done = windows_.withhold(index);
      for (size_t index : children)
        if (done) done = make_process(index, {.flags = CLONE_PARENT, .cgroup = cgroup});
      if (!done) fail(midwife, done.error());
      ::_exit(0);
    }
    for (size_t index : children) windows_.forget(index);
    return wait_for_helper(pid);
  }

  Result<> make_process(size_t index, ChildOptions options) {
    const image::ProcessT& process = *image_.processes[index];
    if (process.shares_memory) return make_in_this_memory(index);
    options.flags |= flags_beside(process);
    if (process.exit_signal >= 0) options.exit_signal = process.exit_signal;
    TRY(windows_.pass_on(index));
    if (context_.births.is_born_by_way_of_another(process)) {
      TRY(make_by_way_of_another(process, options));
    } else if (TRY(place_.fork(process, options)) == 0) {
      become_process(process);
    }
    windows_.forget(index);
    if (!spaces_.is_first(process)) return {};
    return start_id_keeper(spaces_.space_of(process), process.parent == 1 ? SIGCHLD : 0);
  }

  // One that shares our memory, and must be there before that is the application's. Whatever it
  // does as our program it does while we wait, on a stack that goes with everything else of ours.
  Result<> make_in_this_memory(size_t index) {
    const image::ProcessT& process = *image_.processes[index];
    void* stack = ::mmap(nullptr, kSharedStackBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return Error::from_errno(errno, "mmap of a stack");
    struct Sharing {
      Becoming becoming;  // its own: children of both are made with it
      const image::ProcessT& process;
    } sharing{*this, process};
    auto become = [](void* argument) {
      auto& it = *static_cast<Sharing*>(argument);
      it.becoming.become_sharing_process(it.process);
    };
    TRY(place_.clone(process,
                     {.flags = CLONE_VM | CLONE_FS | CLONE_FILES |
                               (process.shares_actions ? CLONE_SIGHAND : 0ULL) |
                               (process.maker != 0 ? CLONE_PARENT : 0ULL),
                      .exit_signal = std::max(process.exit_signal, 0)},
                     static_cast<char*>(stack) + kSharedStackBytes, become, &sharing));
    auto& told = *reinterpret_cast<uint32_t*>(context_.script.told.at(process.pid));
    while (__atomic_load_n(&told, __ATOMIC_SEQ_CST) == 0) futex_wait(told, 0);
    windows_.forget(index);
    return {};
  }

  [[noreturn]] void become_sharing_process(const image::ProcessT& process) {
    Result<> taken = check_id(process);
    if (taken) taken = take_place_in_tree(process);
    if (!taken) fail(process.pid, taken.error());
    context_.zone.enter(context_.script.leaders.at(process.pid));
  }

  // Of one in its parent's memory the rest is done in the stub: our program is gone by then.
  Result<> take_place_in_tree(const image::ProcessT& process) {
    TRY(windows_.withhold_below(process.pid));
    if (seen(process, process.group) == 0) TRY(check_inherited_group(process));
    if (process.subreaper) TRY_SYS(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    TRY(make_children(process.pid, -1, false));
    TRY(begin_session_or_group(process));
    TRY(terminals::take_as_controlling_child(context_.restore, process));
    TRY(make_children(process.pid, -1, true));
    TRY(join_dead_leaders_group(process));
    return settle_birthplace(process);
  }

  // Its maker waits for it when all threads are there, and must not be told; init reaps whatever
  // ends.
  Result<> start_id_keeper(int space, int exit_signal) {
    auto id = plan_.keepers.find(space);
    if (id == plan_.keepers.end()) return {};
    const int number = context_.births.keeper_of(space);
    const pid_t pid = TRY(place_.fork_helper(space, id->second, {.exit_signal = exit_signal}));
    if (pid == 0) keep_ids_child(context_.zone, number, id->second);
    context_.zone.control()->keepers[number].pid = static_cast<uint64_t>(pid);
    return {};
  }

  // It enters the user namespace in which the child is to be born, and cannot come back.
  Result<> make_by_way_of_another(const image::ProcessT& process, const ChildOptions& options) {
    const int helper = plan_.ways.at(process.pid);
    const pid_t pid = TRY(place_.fork_helper(place_.space(), helper, options));
    if (pid == 0) {
      auto make = [&]() -> Result<> {
        const int users = context_.births.users_at_birth(process);
        // In one that was entered before they are as they must be already.
        if (!place_.is_elsewhere())
          TRY(credentials::become_before_entering_child(
              process, *image_.namespaces[static_cast<size_t>(users)]));
        TRY(namespaces::enter_before_users_child(context_.restore, process, users));
        TRY_SYS(
            ::setns(context_.restore.namespaces[static_cast<size_t>(users)].get(), CLONE_NEWUSER));
        place_.has_entered(users);
        if (TRY(place_.fork(process, {.flags = CLONE_PARENT})) == 0) become_process(process);
        return {};
      };
      Result<> made = make();
      if (!made) fail(helper, made.error());
      ::_exit(0);
    }
    return wait_for_helper(pid);
  }

  // The /proc of each pid namespace is mounted by a process that lives there, and goes where nobody
  // comes back from. All of them are sent by one who has every right, and who waits for the first
  // process of each: those around others come first.
  Result<> mount_processes() {
    if (plan_.mounters.empty()) return {};
    if (TRY(place_.fork_helper(place_.space(), plan_.mounters_sender, {})) != 0) return {};
    Result<> done;
    for (const auto& [space, id] : plan_.mounters)
      if (done) done = mount_processes_of(space, id);
    if (!done) fail(plan_.mounters_sender, done.error());
    context_.zone.pass_stage(kStageTree);
    ::_exit(0);
  }

  Result<> mount_processes_of(int space, int id) {
    const pid_t pid = TRY(place_.fork_helper(space, id, {}));
    if (pid == 0) {
      Result<> mounted = mounts::mount_processes_child(context_.restore, space);
      if (!mounted) fail(id, mounted.error());
      ::_exit(0);
    }
    return wait_for_helper(pid);
  }

  static Result<> wait_for_helper(pid_t pid) {
    int status = 0;
    TRY_SYS(::waitpid(pid, &status, __WALL));
    if (status == 0) return {};
    return Error(ErrorClass::gone, "who helped to make a process has died");
  }

  Result<> make_stand_in(const SpawnPlan::StandIn& stand_in, int cgroup) {
    for (size_t index : stand_in.children) TRY(windows_.pass_on(index));
    pid_t pid = TRY(place_.fork_helper(place_.space(), stand_in.pid, {.cgroup = cgroup}));
    if (pid == 0) {
      Result<> done;
      if (stand_in.leads_session && ::setsid() < 0) done = Error::from_errno(errno, "setsid");
      for (size_t index : stand_in.children)
        if (done) done = make_process(index, {});
      if (!done) fail(stand_in.pid, done.error());
      ::_exit(0);
    }
    for (size_t index : stand_in.children) windows_.forget(index);
    ::waitpid(pid, nullptr, 0);
    return {};
  }

  [[noreturn]] void fail(int pid, const Error& error) {
    context_.zone.fail(pid, error.message());
    // The harness ends everyone; until then nobody must see this process die.
    for (;;) ::pause();
  }

  [[noreturn]] void become_process(const image::ProcessT& process) {
    Result<> taken = check_id(process);
    if (taken) taken = take_place(process);
    if (!taken) fail(process.pid, taken.error());
    if (process.state == image::ProcessState::zombie) die_as(process);
    context_.zone.enter(context_.script.leaders.at(process.pid));
  }

  // Who may not choose it has been given it. /proc tells it as the instance does.
  Result<> check_id(const image::ProcessT& process) const {
    if (!place_.is_elsewhere()) return {};
    // Who has entered a user namespace is hidden from those it was made by, who must find it.
    TRY_SYS(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    const std::string own = TRY(read_link("/proc/self"));
    if (own == std::to_string(process.pid)) return {};
    return Error(ErrorClass::conflict, "it has been given the id " + own);
  }

  // Session, children, group: what the others must see before anyone goes on.
  Result<> take_place(const image::ProcessT& process) {
    TRY(take_place_in_tree(process));
    // While others are still being made. What is others' as well is taken when they have theirs.
    const bool owns = owns_beside(image_, process);
    if (process.state != image::ProcessState::zombie && !owns)
      TRY(take_surroundings_child(context_, place_, process));
    context_.zone.pass_stage(kStageTree);
    if (owns) TRY(take_surroundings_child(context_, place_, process));

    const int group = seen(process, process.group);
    if (group != ::getpgrp() && group != 0) TRY_SYS(::setpgid(0, group));
    if (process.state == image::ProcessState::zombie) return {};
    TRY(wait_for_zombies(process));
    TRY(children::stop_and_continue_child(spaces_, process)
            .within("a child that went on after a stop"));
    context_.zone.pass_stage(kStageGroups);
    TRY(children::discard_continuation_child(image_, process));
    return terminals::set_foreground_child(context_.restore, process);
  }

  Result<> begin_session_or_group(const image::ProcessT& process) const {
    if (process.session == process.pid)
      TRY_SYS(::setsid());
    else if (process.group == process.pid)
      TRY_SYS(::setpgid(0, 0));
    else if (seen(process, process.group) != 0 && has_children_elsewhere(process))
      (void)!::setpgid(0, seen(process, process.group));  // when it is there already; else later
    return {};
  }

  int seen(const image::ProcessT& process, int id) const { return spaces_.seen_by(process, id); }

  // Born into a pid namespace from which the group cannot be seen, they cannot join it themselves.
  bool has_children_elsewhere(const image::ProcessT& process) const {
    return std::ranges::any_of(image_.processes, [&](const auto& child) {
      return child->parent == process.pid && seen(*child, child->group) == 0;
    });
  }

  // What /proc tells, in ids of the instance.
  Result<> check_inherited_group(const image::ProcessT& process) const {
    const proc::Stat self = TRY(proc::parse_stat(TRY(read_file("/proc/self/stat"))));
    if (self.group == process.group || process.group == 0) return {};
    return Error(ErrorClass::unsupported,
                 "it belongs to group " + std::to_string(process.group) +
                     ", which cannot be seen from its pid namespace and was not its parent's");
  }

  // Where its later children will be born.
  Result<> settle_birthplace(const image::ProcessT& process) {
    const int space = process.space_of_children;
    if (space < 0) return place_.send_children_to(place_.space());
    if (image_.namespaces[static_cast<size_t>(space)]->ended)
      return place_.send_children_nowhere(plan_.last_ones.at(process.pid));
    // Which nobody has begun yet is begun when its credentials are there.
    return spaces_.first_of(space) != nullptr ? place_.send_children_to(space)
                                              : place_.send_children_to(place_.space());
  }

  // A group goes on without the process it is named after. The first member finds it again with a
  // stand-in for that process; the others join when everyone is there.
  Result<> join_dead_leaders_group(const image::ProcessT& process) {
    const int group = seen(process, process.group);
    if (group == 0 || groups_led_.count(process.group) != 0 || ::getpgrp() == group) return {};
    for (const auto& other : image_.processes) {
      if (other->group != process.group) continue;
      if (other->pid != process.pid) return {};
      break;
    }
    for (const auto& other : image_.processes)
      if (other->pid == process.group)
        return {};  // a zombie has the id; its group is joined before it dies
    int ends[2];
    TRY_SYS(::pipe2(ends, O_CLOEXEC));
    UniqueFd read(ends[0]), write(ends[1]);
    pid_t pid = TRY(place_.fork_helper(place_.space(), process.group, {}));
    if (pid == 0) {
      write.reset();
      char none;
      if (::setpgid(0, 0) == 0) (void)!::read(read.get(), &none, 1);  // until the parent has joined
      ::_exit(0);
    }
    Result<> joined;
    if (::setpgid(pid, pid) != 0 || ::setpgid(0, group) != 0)
      joined = Error::from_errno(errno, "setpgid to " + std::to_string(process.group));
    write.reset();
    ::waitpid(pid, nullptr, 0);
    return joined;
  }

  // The first of a pid namespace is killed by nobody in it.
  bool dies_by_its_parent(const image::ProcessT& zombie) const {
    return spaces_.is_first(zombie) && (zombie.exit_status & 0x7f) == SIGKILL;
  }

  // They must be dead, and not yet waited for, before anyone can look.
  Result<> wait_for_zombies(const image::ProcessT& process) {
    for (const auto& child : image_.processes) {
      if (child->parent != process.pid || child->state != image::ProcessState::zombie) continue;
      const int id = seen(process, child->pid);
      if (dies_by_its_parent(*child)) TRY_SYS(::kill(id, SIGKILL));
      siginfo_t info;
      TRY_SYS(::waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOWAIT | __WALL));
    }
    return {};
  }

  [[noreturn]] void die_as(const image::ProcessT& process) {
    // Where it may not become them it is them already.
    (void)set_thread_gids(process.ended_group, process.ended_group, process.ended_group);
    (void)set_thread_uids(process.ended_user, process.ended_user, process.ended_user);
    ::prctl(PR_SET_NAME, process.name.c_str(), 0, 0, 0);
    rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    int signal = process.exit_status & 0x7f;
    if (dies_by_its_parent(process))
      for (;;) ::pause();
    if (signal == 0) ::_exit(process.exit_status >> 8);
    ::signal(signal, SIG_DFL);
    ::kill(::getpid(), signal);
    sigset_t open;
    sigemptyset(&open);
    ::sigprocmask(SIG_SETMASK, &open, nullptr);
    ::_exit(128 + signal);
  }

  const BecomeContext& context_;
  const image::ImageT& image_;
  const SpawnPlan& plan_;
  const PidSpaces& spaces_;
  Birthplace place_;
  InheritedWindows windows_;
  std::set<int> groups_led_;
};

}  // namespace

Result<> spawn_tree(const BecomeContext& context) {
  std::string text = read_file("/proc/sys/kernel/pid_max").value_or(std::to_string(kDefaultPidMax));
  SpawnPlan plan = plan_spawn(context.restore.image, context.births, std::atoi(text.c_str()) - 1);
  return Becoming(context, plan).children_of_init();
}

}  // namespace appshot
