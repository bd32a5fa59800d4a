#include "os/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/child.h"
#include "os/file.h"

namespace appshot {
namespace {

Result<> write_maps(const UserMaps& maps, pid_t of) {
  const std::string folder = "/proc/" + std::to_string(of) + "/";
  if (maps.groups_denied) TRY(write_file(folder + "setgroups", "deny"));
  if (!maps.groups.empty()) TRY(write_file(folder + "gid_map", maps.groups));
  if (!maps.users.empty()) TRY(write_file(folder + "uid_map", maps.users));
  return {};
}

struct Turns {
  UniqueFd maker_waits, maker_goes, other_waits, other_goes;

  static Result<Turns> make() {
    int one[2], other[2];
    TRY_SYS(::pipe2(one, O_CLOEXEC));
    TRY_SYS(::pipe2(other, O_CLOEXEC));
    return Turns{UniqueFd(one[0]), UniqueFd(one[1]), UniqueFd(other[0]), UniqueFd(other[1])};
  }
};

// A descriptor, or a negated errno.
int begin(const std::function<int()>& before) {
  if (const int failed = before ? before() : 0; failed != 0) return -failed;
  if (::unshare(CLONE_NEWUSER) != 0) return -errno;
  const int space = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  return space < 0 ? -errno : space;
}

}  // namespace

Result<UniqueFd> make_user_namespace(const UserMaps& maps, const std::function<int()>& before) {
  Turns turns = TRY(Turns::make());
  // Its descriptors are ours.
  const pid_t child = TRY(fork_child({.flags = CLONE_FILES}));
  if (child == 0) {
    int made = begin(before);
    (void)!::write(turns.maker_goes.get(), &made, sizeof made);
    (void)!::read(turns.other_waits.get(), &made, 1);  // until its maps are written
    ::_exit(0);
  }
  int number = -EPIPE;
  const bool told =
      ::read(turns.maker_waits.get(), &number, sizeof number) == sizeof number && number >= 0;
  UniqueFd made(told ? number : -1);
  Result<> written = told ? write_maps(maps, child)
                          : Result<>(Error::from_errno(-number, "beginning a user namespace"));
  (void)!::write(turns.other_goes.get(), "", 1);
  ::waitpid(child, nullptr, 0);
  TRY(std::move(written));
  return made;
}

}  // namespace appshot
