#include "restore/birthplace.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "os/file.h"
#include "restore/id_keeper.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kBeginMax{10};
constexpr int kBetweenLooks_ms = 1;

// Another process may still be about to make its first one, or that one hidden from us yet.
Result<UniqueFd> open_space_of(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/ns/pid";
  const Deadline deadline = Deadline::in(kBeginMax);
  for (;;) {
    Result<UniqueFd> space = open_file(path, O_RDONLY | O_CLOEXEC);
    const bool may_come =
        !space && (space.error().err() == ENOENT || space.error().err() == EACCES);
    if (!may_come || deadline.passed()) return space;
    ::poll(nullptr, 0, kBetweenLooks_ms);
  }
}

void choose(const std::vector<pid_t>& ids, ChildOptions& options) {
  if (ids.empty()) return;
  options.pid = ids.front();
  options.outer_pids.assign(ids.begin() + 1, ids.end());
}

}  // namespace

Result<pid_t> Birthplace::fork(const image::ProcessT& process, ChildOptions options) {
  const int space = births_.spaces().space_of(process);
  const bool begins = births_.spaces().is_first(process);
  if (begins) options.flags |= CLONE_NEWPID;
  TRY(send_children_to(begins ? births_.spaces().parent(space) : space));
  return fork_into(space, process.pid, std::move(options));
}

Result<pid_t> Birthplace::clone(const image::ProcessT& process, ChildOptions options,
                                void* stack_end, void (*entry)(void*), void* argument) {
  TRY(send_children_to(here_));
  const Births::Ids ids = births_.ids(users_, here_, process.pid);
  choose(ids.chosen, options);
  const IdTurn turn(zone_, ids.kept);
  return clone_child(options, stack_end, entry, argument);
}

Result<pid_t> Birthplace::fork_helper(int space, pid_t id, ChildOptions options) {
  TRY(send_children_to(space));
  return fork_into(space, id, std::move(options));
}

Result<pid_t> Birthplace::fork_into(int space, pid_t id, ChildOptions options) {
  const Births::Ids ids = births_.ids(users_, space, id);
  choose(ids.chosen, options);
  IdTurn turn(zone_, ids.kept);
  const pid_t pid = TRY(fork_child(options));
  if (pid == 0) {
    turn.forget();
    here_ = next_ = space;
  }
  return pid;
}

Result<> Birthplace::run_helper(pid_t id, uint64_t flags, const std::function<int()>& work) {
  TRY(send_children_to(here_));
  const Births::Ids ids = births_.ids(users_, here_, id);
  ChildOptions options{.flags = flags};
  choose(ids.chosen, options);
  const IdTurn turn(zone_, ids.kept, true);
  const pid_t pid = TRY(fork_child(options));
  if (pid == 0) ::_exit(work());
  int status = 0;
  TRY_SYS(::waitpid(pid, &status, __WALL));
  if (status == 0) return {};
  return Error::from_errno(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, "work of a helper");
}

Result<> Birthplace::send_children_to(int space) {
  if (space == next_) return {};
  const image::ProcessT* first = births_.spaces().first_of(space);
  if (space >= 0 && first == nullptr)
    return Error(ErrorClass::corrupt, "nobody lives in a pid namespace that is to be entered");
  const UniqueFd there = TRY(open_space_of(space < 0 ? 1 : first->pid));
  TRY_SYS(::setns(there.get(), CLONE_NEWPID));
  next_ = space;
  return {};
}

Result<> Birthplace::send_children_nowhere(pid_t id) {
  TRY(send_children_to(here_));
  TRY_SYS(::unshare(CLONE_NEWPID));
  const Births::Ids ids = births_.ids(users_, here_, id);
  ChildOptions options{.pid = 1};
  options.outer_pids = ids.chosen;
  IdTurn turn(zone_, ids.kept);
  const pid_t pid = TRY(fork_child(options));
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return {};
}

}  // namespace appshot
