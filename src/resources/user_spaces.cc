#include "resources/user_spaces.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "isolation/own_users.h"
#include "os/child.h"
#include "os/file.h"
#include "os/thread_ids.h"
#include "os/user_namespace.h"
#include "resources/acting.h"
#include "resources/maker.h"

namespace appshot::user_spaces {
namespace {

using image::IdRange;

Result<IdRanges> parse(const std::string& text) {
  std::istringstream lines(text);
  IdRanges ranges;
  for (uint32_t inside = 0, outside = 0, count = 0; lines >> inside >> outside >> count;)
    ranges.emplace_back(inside, outside, count);
  return ranges;
}

// The kernel tells maps of processes, and in terms of who opens the file; so a child lives there
// for a moment.
Result<> read_of_visitor(int space, image::NamespaceT& into) {
  int pipe[2];
  TRY_SYS(::pipe2(pipe, O_CLOEXEC));
  UniqueFd told(pipe[0]), tells(pipe[1]);
  int back[2];
  TRY_SYS(::pipe2(back, O_CLOEXEC));
  UniqueFd waits(back[0]), lets_go(back[1]);
  const pid_t visitor = TRY(fork_child({}));
  if (visitor == 0) {
    lets_go.reset();
    char answer = ::setns(space, CLONE_NEWUSER) == 0 ? 1 : 0;
    (void)!::write(tells.get(), &answer, 1);
    (void)!::read(waits.get(), &answer, 1);  // until we have read
    ::_exit(0);
  }
  tells.reset();
  char is_there = 0;
  const std::string folder = "/proc/" + std::to_string(visitor) + "/";
  auto read_all = [&]() -> Result<> {
    if (::read(told.get(), &is_there, 1) != 1 || is_there == 0)
      return Error(ErrorClass::denied, "a user namespace cannot be looked into");
    into.users = TRY(parse(TRY(read_file(folder + "uid_map"))));
    into.groups = TRY(parse(TRY(read_file(folder + "gid_map"))));
    into.groups_denied = TRY(read_file(folder + "setgroups")).starts_with("deny");
    return {};
  };
  Result<> done = read_all();
  lets_go.reset();
  ::waitpid(visitor, nullptr, 0);
  return done;
}

// As they must be written by who lives in the namespace with those ranges; none: the machine's.
Result<std::string> text_for(const IdRanges& ranges, const IdRanges* writers) {
  std::string text;
  for (const IdRange& range : ranges) {
    const std::optional<uint32_t> outside =
        writers == nullptr ? range.outside() : id_in(*writers, range.outside());
    if (!outside) return Error(ErrorClass::corrupt, "ids of a user namespace that nobody can map");
    text += std::to_string(range.inside()) + " " + std::to_string(*outside) + " " +
            std::to_string(range.count()) + "\n";
  }
  return text;
}

// As the maker of a namespace. Which group that had nobody tells; any that has a name where it
// lives will do. Returns 0 or an errno.
int become_maker(uint32_t maker, const image::NamespaceT* parent) {
  if (parent != nullptr && !parent->groups.empty()) {
    const gid_t group = parent->groups.front().inside();
    if (set_thread_gids(group, group, group) != 0) return errno;
  }
  return set_thread_uids(maker, maker, maker) == 0 ? 0 : errno;
}

// It has the maker's id, in the terms of the namespace that it is in.
Result<UniqueFd> make_by(uint32_t maker, const image::NamespaceT& space,
                         const image::NamespaceT* parent) {
  const UserMaps maps{
      .users = TRY(text_for(space.users, parent == nullptr ? nullptr : &parent->users)),
      .groups = TRY(text_for(space.groups, parent == nullptr ? nullptr : &parent->groups)),
      .groups_denied = space.groups_denied};
  return make_user_namespace(maps, [&] { return become_maker(maker, parent); });
}

}  // namespace

std::optional<uint32_t> id_in(const IdRanges& ranges, uint32_t id) {
  for (const IdRange& range : ranges)
    if (id >= range.outside() && id - range.outside() < range.count())
      return range.inside() + (id - range.outside());
  return std::nullopt;
}

Result<> read(const std::string& path, image::NamespaceT& into) {
  const UniqueFd space = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
  TRY_SYS(::ioctl(space.get(), NS_GET_OWNER_UID, &into.maker));
  return read_of_visitor(space.get(), into);
}

Result<UniqueFd> make(const RestoreContext& context, const image::NamespaceT& space) {
  if (space.parent < 0 && context.own_users >= 0)
    return UniqueFd(TRY_SYS(::fcntl(context.own_users, F_DUPFD_CLOEXEC, 0)));
  return make_aside([&]() -> Result<UniqueFd> {
    // The files in which maps are written are the machine's root's.
    make_as_root_inside(0);
    if (space.parent < 0) return make_by(space.maker, space, nullptr);
    const auto index = static_cast<size_t>(space.parent);
    const image::NamespaceT& parent = *context.image.namespaces[index];
    TRY_SYS(::setns(context.namespaces[index].get(), CLONE_NEWUSER));
    const std::optional<uint32_t> maker = id_in(parent.users, space.maker);
    if (!maker) return Error(ErrorClass::corrupt, "a user namespace made by nobody");
    return make_by(*maker, space, &parent);
  });
}

int of(const image::ImageT& image, const image::ProcessT& process) {
  for (int index : process.namespaces)
    if (image.namespaces[static_cast<size_t>(index)]->kind == "user") return index;
  return -1;
}

const image::CredentialsT& entered_as(const image::ImageT& image, const image::ProcessT& process) {
  const image::ProcessT* entered = &process;
  while (entered->shares_memory)
    if (const image::ProcessT* maker = find_maker(image, *entered); maker != nullptr)
      entered = maker;
    else
      break;
  return *entered->threads.front()->credentials;
}

bool is_within(const image::ImageT& image, int space, int other) {
  for (; space >= 0; space = image.namespaces[static_cast<size_t>(space)]->parent)
    if (space == other) return true;
  return other < 0;
}

}  // namespace appshot::user_spaces
