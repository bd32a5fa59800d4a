#include "isolation/own_users.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "os/child.h"
#include "os/file.h"
#include "os/thread_ids.h"
#include "os/user_namespace.h"

namespace appshot {
namespace {

struct Around {
  int flag;
  const char* path;
  UniqueFd OwnUsers::*member;
};
constexpr std::array<Around, 3> kAround = {{{CLONE_NEWNET, "/proc/self/ns/net", &OwnUsers::network},
                                            {CLONE_NEWIPC, "/proc/self/ns/ipc", &OwnUsers::ipc},
                                            {CLONE_NEWUTS, "/proc/self/ns/uts", &OwnUsers::names}}};

// By a child that shares our descriptors: those are made by who is in the namespace already.
Result<> make_around(OwnUsers& users, const Share& share) {
  std::array<int, kAround.size()> made{-1, -1, -1};
  const int wanted = (share.net ? 0 : CLONE_NEWNET) | (share.ipc ? 0 : CLONE_NEWIPC) |
                     (share.uts ? 0 : CLONE_NEWUTS);
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  const UniqueFd told(ends[0]), tells(ends[1]);
  const pid_t child = TRY(fork_child({.flags = CLONE_FILES}));
  if (child == 0) {
    if (::setns(users.space.get(), CLONE_NEWUSER) != 0 || ::unshare(wanted) != 0) ::_exit(errno);
    for (size_t i = 0; i < kAround.size(); ++i)
      if ((wanted & kAround[i].flag) != 0) made[i] = ::open(kAround[i].path, O_RDONLY | O_CLOEXEC);
    (void)!::write(tells.get(), made.data(), sizeof made);
    ::_exit(0);
  }
  int status = 0;
  TRY_SYS(::waitpid(child, &status, 0));
  if (!WIFEXITED(status)) return Error(ErrorClass::gone, "a helper process has died");
  if (WEXITSTATUS(status) != 0) return Error::from_errno(WEXITSTATUS(status), "unshare");
  if (::read(told.get(), made.data(), sizeof made) != sizeof made)
    return Error(ErrorClass::gone, "a helper process has told nothing");
  for (size_t i = 0; i < kAround.size(); ++i) {
    if ((wanted & kAround[i].flag) != 0 && made[i] < 0)
      return Error(ErrorClass::exhausted, std::string(kAround[i].path) + " cannot be opened");
    users.*kAround[i].member = UniqueFd(made[i]);
  }
  return {};
}

void take_file_ids(uint32_t id) {
  // They return the former ones; the thread has every right to any.
  ::setfsgid(id);
  ::setfsuid(id);
}

}  // namespace

Result<OwnUsers> OwnUsers::make(uint32_t root, const Share& share) {
  const std::string map =
      "0 " + std::to_string(root) + " " + std::to_string(kIdsOfAnInstance) + "\n";
  OwnUsers users;
  users.root = root;
  users.space = TRY(make_user_namespace({.users = map, .groups = map}));
  TRY(make_around(users, share).within("namespaces of the instance's own users"));
  return users;
}

Result<> OwnUsers::enter_around() const {
  for (const UniqueFd* one : {&ipc, &names})
    if (*one) TRY_SYS(::setns(one->get(), 0));
  return {};
}

Result<> OwnUsers::enter() const {
  TRY_SYS(::setns(space.get(), CLONE_NEWUSER));
  TRY_SYS(set_thread_groups(0, nullptr));
  TRY_SYS(set_thread_gids(0, 0, 0));
  TRY_SYS(set_thread_uids(0, 0, 0));
  return {};
}

void make_as_root_inside(uint32_t root) {
  // The ids that files are made with are others from here on, and no right goes with that.
  ::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
  take_file_ids(root);
}

MadeByRootInside::MadeByRootInside(uint32_t root) : is_other_(root != 0) {
  if (is_other_) make_as_root_inside(root);
}

MadeByRootInside::~MadeByRootInside() {
  if (is_other_) take_file_ids(0);
}

}  // namespace appshot
