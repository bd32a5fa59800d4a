#include "resources/namespaces.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "isolation/clocks.h"
#include "os/file.h"
#include "os/namespace_visit.h"
#include "resources/acting.h"
#include "resources/awaited.h"
#include "resources/made_early.h"
#include "resources/maker.h"
#include "resources/networks/networks.h"
#include "resources/user_spaces.h"

namespace appshot::namespaces {
namespace {

constexpr std::pair<const char*, int> kKept[] = {
    {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID},      {"uts", CLONE_NEWUTS},
    {"ipc", CLONE_NEWIPC},   {"mnt", CLONE_NEWNS},       {"net", CLONE_NEWNET},
    {"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP}};

// What else a thread may enter goes with more that is its own: what is mounted with its folders,
// objects of IPC with what its end undoes on them.
constexpr std::pair<const char*, int> kOfThreads[] = {
    {"uts", CLONE_NEWUTS}, {"net", CLONE_NEWNET}, {"cgroup", CLONE_NEWCGROUP}};

// And who shares memory: its folders may be another's, and its clocks are those of the memory.
constexpr std::pair<const char*, int> kOfSharers[] = {{"uts", CLONE_NEWUTS},
                                                      {"ipc", CLONE_NEWIPC},
                                                      {"net", CLONE_NEWNET},
                                                      {"cgroup", CLONE_NEWCGROUP}};

int find_kind(const image::ImageT& image, const std::vector<int>& spaces, std::string_view kind) {
  for (int index : spaces)
    if (image.namespaces[static_cast<size_t>(index)]->kind == kind) return index;
  return -1;
}

Result<struct stat> identify(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + path);
  return info;
}

std::string path_of(HostPid process, const std::string& kind) {
  return "/proc/" + std::to_string(process.value) + "/ns/" + kind;
}

// "/proc/12/" of "/proc/12/ns/uts".
std::string folder_of(const std::string& path) {
  return path.substr(0, path.find('/', std::string_view("/proc/").size()) + 1);
}

Result<> read_names(const std::string& path, image::NamespaceT& into) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "uts"));
  utsname name{};
  TRY_SYS(::uname(&name));
  into.host_name = name.nodename;
  into.domain_name = name.domainname;
  return {};
}

int flag_of(const std::string& kind) {
  for (const auto& [file, flag] : kKept)
    if (kind == file) return flag;
  return 0;
}

// Paths in it are told from where it was made.
Result<bool> is_rooted_where_its_members_are(const std::string& path) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "cgroup"));
  std::istringstream lines(TRY(read_file(folder_of(path) + "cgroup")));
  for (std::string line; std::getline(lines, line);)
    if (!line.ends_with(":/")) return false;
  return true;
}

// By a process that is in its owner already.
Result<UniqueFd> make_here(const image::NamespaceT& space) {
  if (space.kind == "time") {
    const image::Time &monotonic = *space.monotonic_ahead, &boottime = *space.boottime_ahead;
    TRY(enter_time_namespace_ahead(
        {{monotonic.sec(), monotonic.nsec()}, {boottime.sec(), boottime.nsec()}}));
    return open_file("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  }
  TRY_SYS(::unshare(flag_of(space.kind)));
  if (space.kind == "uts") {
    TRY_SYS(::sethostname(space.host_name.data(), space.host_name.size()));
    TRY_SYS(::setdomainname(space.domain_name.data(), space.domain_name.size()));
  }
  return open_file("/proc/self/ns/" + space.kind, O_RDONLY | O_CLOEXEC);
}

Result<UniqueFd> make(const RestoreContext& context, const image::NamespaceT& space) {
  if (space.kind == "user") return user_spaces::make(context, space);
  return make_aside(
      [&]() -> Result<UniqueFd> {
        TRY(enter_owner(context, space));
        return make_here(space);
      },
      context.application_group);
}

// Known by what it was made in, which stays.
Result<UniqueFd> related(const std::string& path, unsigned long request) {
  const UniqueFd space = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
  return UniqueFd(TRY_SYS(::ioctl(space.get(), request)));
}

Result<int> capture_related(CaptureContext& context, const std::string& kind,
                            const std::string& path, unsigned long request) {
  const UniqueFd found = TRY(related(path, request));
  return capture(context, kind, "/proc/self/fd/" + std::to_string(found.get()));
}

Result<> read_more(const std::string& path, image::NamespaceT& into) {
  if (into.kind == "uts") TRY(read_names(path, into));
  if (into.kind == "user") TRY(user_spaces::read(path, into));
  if (into.kind != "time") return {};
  into.monotonic_ahead = std::make_unique<image::Time>();
  into.boottime_ahead = std::make_unique<image::Time>();
  return {};
}

std::string why_not_looked_into(const Error& error) {
  return "which cannot be looked into (" + error.message() + ")";
}

}  // namespace

std::string obstacle(const std::string& kind, const std::string& path) {
  if (flag_of(kind) == 0) return "which cannot be captured yet";
  if (kind == "cgroup") {
    Result<bool> plain = is_rooted_where_its_members_are(path);
    if (!plain) return why_not_looked_into(plain.error());
    return *plain ? "" : "whose root is another than where it lives; that cannot be captured yet";
  }
  if (kind != "net") return "";
  Result<std::string> why = networks::obstacle(path);
  if (!why) return why_not_looked_into(why.error());
  return why->empty() ? "" : "in which there is " + *why + "; that cannot be captured yet";
}

Result<int> capture(CaptureContext& context, const std::string& kind, const std::string& path) {
  const struct stat info = TRY(identify(path));
  const struct stat own = TRY(identify(path_of(context.instance.init, kind)));
  if (info.st_ino == own.st_ino && info.st_dev == own.st_dev) return -1;
  const CaptureContext::Identity identity{info.st_dev, info.st_ino};
  if (auto known = context.namespaces.find(identity); known != context.namespaces.end())
    return known->second;
  auto space = std::make_unique<image::NamespaceT>();
  space->kind = kind;
  TRY(read_more(path, *space));
  space->ended = kind == "pid";  // until somebody who lives there is found
  if (kind == "user" || kind == "pid")
    space->parent = TRY(capture_related(context, kind, path, NS_GET_PARENT));
  if (kind != "user") space->owner = TRY(capture_related(context, "user", path, NS_GET_USERNS));
  const int index = static_cast<int>(context.image.namespaces.size());
  if (kind == "ipc") context.ipc_spaces.emplace(index, TRY(open_file(path, O_RDONLY | O_CLOEXEC)));
  if (kind == "net")
    context.network_spaces.emplace(index, TRY(open_file(path, O_RDONLY | O_CLOEXEC)));
  context.image.namespaces.push_back(std::move(space));
  context.namespaces.emplace(identity, index);
  return index;
}

Result<UniqueFd> network_of(int socket) { return UniqueFd(TRY_SYS(::ioctl(socket, SIOCGSKNS))); }

Result<int> capture_network_of(CaptureContext& context, int socket) {
  const UniqueFd network = TRY(network_of(socket));
  const std::string path = "/proc/self/fd/" + std::to_string(network.get());
  const size_t known = context.image.namespaces.size();
  const int index = TRY(capture(context, "net", path));
  // Where nobody lives nobody has looked yet.
  if (context.image.namespaces.size() != known)
    if (const std::string why = obstacle("net", path); !why.empty())
      context.obstacles.add("a socket is in a network namespace, " + why, "close it");
  return index;
}

namespace {

// The kernel tells of a process how far its clocks are ahead of the machine's.
Result<> read_clocks(const CaptureContext& context, HostPid process, image::NamespaceT& into) {
  const Clocks own = TRY(clock_offsets_of(std::to_string(context.instance.init.value)));
  const Clocks there = TRY(clock_offsets_of(std::to_string(process.value)));
  const timespec monotonic = difference(there.monotonic, own.monotonic);
  const timespec boottime = difference(there.boottime, own.boottime);
  into.monotonic_ahead = std::make_unique<image::Time>(monotonic.tv_sec, monotonic.tv_nsec);
  into.boottime_ahead = std::make_unique<image::Time>(boottime.tv_sec, boottime.tv_nsec);
  return {};
}

// Where children will be born, when that is not where the process lives. One in which nobody was
// born yet cannot be named.
Result<> capture_of_children(CaptureContext& context, const ProcessSource& source,
                             image::ProcessT& record) {
  const std::string path = path_of(source.host, "pid_for_children");
  const std::string own = TRY(source.dir.link("ns/pid"));
  Result<std::string> of_children = source.dir.link("ns/pid_for_children");
  if (of_children && *of_children == own) return {};
  if (of_children) {
    record.space_of_children = TRY(capture(context, "pid", path));
    return {};
  }
  auto unborn = std::make_unique<image::NamespaceT>();
  unborn->kind = "pid";
  unborn->parent = TRY(capture(context, "pid", path_of(source.host, "pid")));
  unborn->owner = TRY(capture(context, "user", path_of(source.host, "user")));
  record.space_of_children = static_cast<int>(context.image.namespaces.size());
  context.image.namespaces.push_back(std::move(unborn));
  return {};
}

}  // namespace

Result<> capture_of_process(CaptureContext& context, const ProcessSource& source,
                            image::ProcessT& record) {
  for (const auto& [kind, flag] : kKept) {
    const int index = TRY(capture(context, kind, path_of(source.host, kind)));
    if (index < 0) continue;
    record.namespaces.push_back(index);
    if (flag == CLONE_NEWTIME)
      TRY(read_clocks(context, source.host, *context.image.namespaces[static_cast<size_t>(index)]));
  }
  return capture_of_children(context, source, record);
}

// Those of mounts: see mounts/. Of processes: they begin with their first one.
bool is_made_later(const image::NamespaceT& space) {
  return space.kind == "mnt" || space.kind == "pid";
}

Result<> enter_owner(const RestoreContext& context, const image::NamespaceT& space) {
  if (space.owner >= 0)
    TRY_SYS(::setns(context.namespaces[static_cast<size_t>(space.owner)].get(), CLONE_NEWUSER));
  return {};
}

Result<> capture_of_thread(CaptureContext& context, const ProcessSource& source, HostPid tid,
                           const image::ProcessT& record, image::ThreadT& thread) {
  for (const auto& [kind, flag] : kOfThreads) {
    const std::string own =
        TRY(source.dir.link("task/" + std::to_string(tid.value) + "/ns/" + kind));
    thread.has_namespaces |= own != TRY(source.dir.link(std::string("ns/") + kind));
  }
  if (!thread.has_namespaces) return {};
  thread.namespaces = record.namespaces;
  std::erase_if(thread.namespaces, [&](int index) {
    const std::string& of = context.image.namespaces[static_cast<size_t>(index)]->kind;
    return std::ranges::any_of(kOfThreads, [&](const auto& kind) { return of == kind.first; });
  });
  for (const auto& [kind, flag] : kOfThreads)
    if (const int index = TRY(capture(context, kind, path_of(tid, kind))); index >= 0)
      thread.namespaces.push_back(index);
  return {};
}

std::span<const std::pair<const char*, int>> kinds_of_threads() { return kOfThreads; }

std::string kind_of(int flag) {
  for (const auto& [kind, its] : kKept)
    if (its == flag) return kind;
  return "";
}

namespace {

using Kinds = std::span<const std::pair<const char*, int>>;

Entered differing(const image::ImageT& image, const std::vector<int>& born_into,
                  const std::vector<int>& lives_in, Kinds kinds) {
  Entered entered;
  for (const auto& [kind, flag] : kinds)
    if (const int own = find_kind(image, lives_in, kind); own != find_kind(image, born_into, kind))
      entered.emplace_back(flag, own);
  return entered;
}

// Who is made early comes before its maker has entered any; but it is born into the same pid
// namespace.
std::vector<int> spaces_of_birth(const image::ImageT& image, const image::ProcessT& process) {
  if (const Waiter waiter = waiter_for(image, process);
      waiter.process != nullptr && waiter.thread->has_namespaces)
    return waiter.thread->namespaces;
  const image::ProcessT* maker = find_maker(image, process);
  if (maker == nullptr) return {};
  std::vector<int> spaces = maker->namespaces;
  if (is_made_early(image, process))
    std::erase_if(spaces, [&](int index) {
      return image.namespaces[static_cast<size_t>(index)]->kind != "pid";
    });
  return spaces;
}

}  // namespace

Entered entered_by(const image::ImageT& image, const image::ProcessT& process,
                   const image::ThreadT& thread) {
  auto lived_in = [&](const image::ThreadT& one) -> const std::vector<int>& {
    return one.has_namespaces ? one.namespaces : process.namespaces;
  };
  // Who shares another thread's folders is made by that one.
  const auto maker = std::ranges::find_if(process.threads, [&](const auto& other) {
    return thread.folders_of != 0 && other->tid == thread.folders_of;
  });
  return differing(image, maker == process.threads.end() ? process.namespaces : lived_in(**maker),
                   lived_in(thread), kOfThreads);
}

Entered entered_by(const image::ImageT& image, const image::ProcessT& process) {
  return differing(image, spaces_of_birth(image, process), process.namespaces, kOfSharers);
}

bool is_out_of_reach(const image::ImageT& image, const image::ProcessT& process) {
  return differing(image, spaces_of_birth(image, process), process.namespaces, kKept).size() !=
         entered_by(image, process).size();
}

int space_of(const image::ImageT& image, const image::ProcessT& process, std::string_view kind) {
  return find_kind(image, process.namespaces, kind);
}

Result<> make_all(RestoreContext& context) {
  for (const auto& space : context.image.namespaces) {
    context.namespaces.emplace_back();
    if (is_made_later(*space)) continue;
    UniqueFd made = TRY(make(context, *space).within("a " + space->kind + " namespace"));
    context.namespaces.back() =
        UniqueFd(TRY_SYS(::fcntl(made.get(), F_DUPFD_CLOEXEC, context.first_descriptor)));
  }
  return {};
}

namespace {

// Who is there already need not have the right to enter it.
Result<> enter(const RestoreContext& context, int index) {
  const std::string& kind = context.image.namespaces[static_cast<size_t>(index)]->kind;
  const int there = context.namespaces[static_cast<size_t>(index)].get();
  struct stat wanted {};
  TRY_SYS(::fstat(there, &wanted));
  if (TRY(identify("/proc/self/ns/" + kind)).st_ino == wanted.st_ino) return {};
  if (::setns(there, 0) != 0) return Error::from_errno(errno, "setns to a " + kind + " namespace");
  return {};
}

}  // namespace

bool is_entered(const image::NamespaceT& space) {
  return space.kind != "pid" && space.kind != "user";
}

Result<> enter_before_users_child(const RestoreContext& context, const image::ProcessT& process,
                                  int users) {
  for (int index : process.namespaces) {
    const image::NamespaceT& space = *context.image.namespaces[static_cast<size_t>(index)];
    if (is_entered(space) && space.kind != "mnt" &&
        !user_spaces::is_within(context.image, space.owner, users))
      TRY(enter(context, index));
  }
  return {};
}

// That of mounts comes last: where there is no /proc nobody can tell where he is.
Result<> enter_child(const RestoreContext& context, const image::ProcessT& process) {
  for (const bool of_mounts : {false, true})
    for (int index : process.namespaces) {
      const image::NamespaceT& space = *context.image.namespaces[static_cast<size_t>(index)];
      if (is_entered(space) && (space.kind == "mnt") == of_mounts) TRY(enter(context, index));
    }
  return {};
}

}  // namespace appshot::namespaces
