#include "resources/mounts/kept_mounts.h"

#include <sys/stat.h>

#include <algorithm>

#include "os/file.h"

namespace appshot::mounts {
namespace {

using proc::Mount;

struct MadeAgain {
  std::string_view type;
  std::vector<std::string_view> options;
};

const std::vector<MadeAgain>& all_made_again() {
  static const std::vector<MadeAgain> kAll{
      {"tmpfs",
       {"ro", "rw", "size", "nr_blocks", "nr_inodes", "mode", "uid", "gid", "huge", "noswap",
        "inode32", "inode64"}},
      {"ramfs", {"ro", "rw", "mode"}},
      {"proc", {"ro", "rw", "hidepid", "gid", "subset"}},
      {"sysfs", {"ro", "rw"}},
      {"devpts", {"ro", "rw", "uid", "gid", "mode", "ptmxmode", "max"}}};
  return kAll;
}

// Whether the path, from the root of what `place` shows, is there in a new instance too.
bool is_there_again(const Mount& place, std::string_view path) {
  return place.type != "proc" || path.empty() || path[0] < '0' || path[0] > '9';
}

std::string why_options_not_known(const Mount& mount, const MadeAgain& kind) {
  for (const std::string& option : proc::split_options(mount.system_options)) {
    const std::string name = option.substr(0, option.find('='));
    if (std::ranges::find(kind.options, name) == kind.options.end())
      return "with the option " + option + ", which cannot be captured yet";
  }
  return "";
}

bool has_terminals(const SeenFileSystem& system) {
  const std::string folder = system.space->here(system.top->point);
  for (const std::string& name : list_folder(folder).value_or({}))
    if (name != "ptmx") return true;
  return false;
}

}  // namespace

bool holds_files(const std::string& type) { return type == "tmpfs" || type == "ramfs"; }

std::string root_below(const Mount& from, const Mount& mount) {
  return proc::point_below(from.root, mount.root);
}

std::string why_not_found_again(const Mount& place, const Mount& mount) {
  if (is_there_again(place, root_below(place, mount))) return "";
  return "from " + place.point + ", where a restore will not find it";
}

std::string why_not_made_again(const Mount& mount, const SeenFileSystem& system) {
  const auto kind = std::ranges::find(all_made_again(), mount.type, &MadeAgain::type);
  if (kind == all_made_again().end()) return "which cannot be captured yet";
  if (system.top == nullptr) return "which is covered by other mounts everywhere";
  if (!is_below(mount.root, system.top->root))
    return "a part of a file system of which the whole can be seen nowhere";
  if (mount.type == "devpts" && has_terminals(system))
    return "in which there are terminals; those cannot be captured yet";
  if (mount.type == "sysfs" && !system.network) return "which shows a network that nobody lives in";
  if (system.of_nested_processes) {
    if (system.top->root != "/") return "of which the whole can be seen nowhere";
    struct stat first {};
    if (::stat(system.processes().c_str(), &first) != 0)
      return "which shows a pid namespace whose first process has ended";
  }
  return why_options_not_known(mount, *kind);
}

std::string why_not_mounted_there(const Mount& place, const Mount& parent, const Mount& mount) {
  std::string path = root_below(place, parent);
  const std::string point = proc::point_below(parent.point, mount.point);
  if (!path.empty() && !point.empty()) path += "/";
  if (is_there_again(place, path + point)) return "";
  return "in " + place.point + ", where a restore will not find that place";
}

bool is_known_group(const SeenMounts& seen, int group) {
  for (const auto& space : seen.spaces())
    if (std::ranges::find(space->look.mounts, group, &Mount::group) != space->look.mounts.end())
      return true;
  return false;
}

}  // namespace appshot::mounts
