#include "resources/namespaces.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>

#include "os/file.h"
#include "os/namespace_visit.h"
#include "os/network_look.h"
#include "os/parallel.h"

namespace appshot::namespaces {
namespace {

constexpr std::pair<const char*, int> kKept[] = {
    {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET}};

Result<struct stat> identify(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + path);
  return info;
}

std::string path_of(HostPid process, const std::string& kind) {
  return "/proc/" + std::to_string(process.value) + "/ns/" + kind;
}

Result<bool> has_only_loopback(const std::string& path) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "net"));
  const NetworkObjects objects = TRY(list_network_objects());
  NetworkObjects of_new;
  TRY(in_new_network(TRY(is_loopback_up()), [&]() -> Result<> {
    of_new = TRY(list_network_objects());
    return {};
  }));
  return objects == of_new;
}

Result<> read_network(const std::string& path, image::NamespaceT& into) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(path, "net"));
  into.loopback_up = TRY(is_loopback_up());
  NetworkSettings of_new;
  Alongside new_one([&] {
    return in_new_network(into.loopback_up, [&]() -> Result<> {
      of_new = read_network_settings();
      return {};
    });
  });
  const NetworkSettings settings = read_network_settings();
  TRY(new_one.finish());
  for (const auto& [file, value] : settings) {
    if (auto same = of_new.find(file); same != of_new.end() && same->second == value) continue;
    into.settings.push_back(std::make_unique<image::SettingT>());
    into.settings.back()->path = file;
    into.settings.back()->value = value;
  }
  return {};
}

Result<> restore_network(const image::NamespaceT& space) {
  TRY(set_loopback(space.loopback_up));
  for (const auto& setting : space.settings) TRY(write_file(setting->path, setting->value));
  return {};
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

Result<UniqueFd> make(const image::NamespaceT& space) {
  const std::string path = "/proc/thread-self/ns/" + space.kind;
  UniqueFd home = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
  TRY_SYS(::unshare(flag_of(space.kind)));
  if (space.kind == "uts") {
    TRY_SYS(::sethostname(space.host_name.data(), space.host_name.size()));
    TRY_SYS(::setdomainname(space.domain_name.data(), space.domain_name.size()));
  }
  if (space.kind == "net") TRY(restore_network(space));
  UniqueFd made = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
  TRY_SYS(::setns(home.get(), 0));
  return made;
}

}  // namespace

std::string obstacle(const std::string& kind, const std::string& path) {
  if (flag_of(kind) == 0) return "which cannot be captured yet";
  if (kind != "net") return "";
  Result<bool> plain = has_only_loopback(path);
  if (!plain) return "which cannot be looked into (" + plain.error().message() + ")";
  return *plain ? "" : "in which there is more than loopback; that cannot be captured yet";
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
  if (kind == "uts") TRY(read_names(path, *space));
  if (kind == "net") TRY(read_network(path, *space));
  const int index = static_cast<int>(context.image.namespaces.size());
  if (kind == "ipc") context.ipc_spaces.emplace(index, TRY(open_file(path, O_RDONLY | O_CLOEXEC)));
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

Result<> capture_of_process(CaptureContext& context, const ProcessSource& source,
                            image::ProcessT& record) {
  for (const auto& [kind, flag] : kKept) {
    const int index = TRY(capture(context, kind, path_of(source.host, kind)));
    if (index >= 0) record.namespaces.push_back(index);
  }
  return {};
}

int space_of(const image::ImageT& image, const image::ProcessT& process, std::string_view kind) {
  for (int index : process.namespaces)
    if (image.namespaces[static_cast<size_t>(index)]->kind == kind) return index;
  return -1;
}

Result<> make_all(RestoreContext& context) {
  for (const auto& space : context.image.namespaces) {
    context.namespaces.emplace_back();
    if (space->kind == "mnt") continue;  // see mounts/
    UniqueFd made = TRY(make(*space).within("a " + space->kind + " namespace"));
    context.namespaces.back() =
        UniqueFd(TRY_SYS(::fcntl(made.get(), F_DUPFD_CLOEXEC, context.first_descriptor)));
  }
  return {};
}

Result<> enter_child(const RestoreContext& context, const image::ProcessT& process) {
  for (int index : process.namespaces)
    TRY_SYS(::setns(context.namespaces[static_cast<size_t>(index)].get(), 0));
  return {};
}

}  // namespace appshot::namespaces
