#include "resources/mounts/namespace_files.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <set>

#include "os/namespace_visit.h"
#include "resources/namespaces.h"

namespace appshot::mounts {
namespace {

// There is one for each network, whoever mounts it.
Result<dev_t> sysfs_of(const std::string& network) {
  NamespaceVisit visit = TRY(NamespaceVisit::to(network, "net"));
  const UniqueFd made(TRY_SYS(::fsopen("sysfs", FSOPEN_CLOEXEC)));
  TRY_SYS(::fsconfig(made.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  const UniqueFd mount(TRY_SYS(::fsmount(made.get(), FSMOUNT_CLOEXEC, 0)));
  struct stat info {};
  TRY_SYS(::fstatat(mount.get(), "", &info, AT_EMPTY_PATH));
  return info.st_dev;
}

}  // namespace

bool is_namespace_file(const proc::Mount& mount) { return mount.type == "nsfs"; }

std::string kind_of_namespace(const proc::Mount& mount) {
  return mount.root.substr(0, mount.root.find(':'));
}

std::string why_namespace_not_kept(const SeenSpace& space, const proc::Mount& mount) {
  const std::string kind = kind_of_namespace(mount);
  if (kind == "mnt" || kind == "pid") return "which keeps a namespace (" + kind + ")";
  Result<uint64_t> seen = mount_of(space.here(mount.point));
  if (!seen || *seen != mount.id) return "which is covered by other mounts";
  if (const std::string why = namespaces::obstacle(kind, space.here(mount.point)); !why.empty())
    return "a namespace (" + kind + ") " + why;
  return "";
}

std::optional<std::string> network_shown(dev_t sysfs, const std::vector<ProcessSource>& processes) {
  std::set<std::string> known;
  for (const ProcessSource& process : processes) {
    Result<std::string> link = process.dir.link("ns/net");
    if (!link || !known.insert(*link).second) continue;
    const std::string path = "/proc/" + std::to_string(process.host.value) + "/ns/net";
    if (Result<dev_t> device = sysfs_of(path); device && *device == sysfs) return path;
  }
  return std::nullopt;
}

}  // namespace appshot::mounts
