#include "image/verify_mounts.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "image/verify_words.h"

namespace appshot::image {
namespace {

constexpr std::string_view kMadeSystems[] = {"devpts", "nsfs", "proc", "ramfs", "sysfs", "tmpfs"};
// Of namespaces that are there before anything is mounted.
constexpr std::string_view kKept[] = {"cgroup", "ipc", "net", "time", "user", "uts"};

class Verifier {
 public:
  explicit Verifier(const ImageT& image) : image_(image) {}

  Result<> run() {
    TRY(file_systems());
    return mounts();
  }

 private:
  Result<> file_systems() {
    for (const auto& system : image_.file_systems) {
      const bool made = system->place.empty();
      const bool holds_files = system->type == "tmpfs" || system->type == "ramfs";
      const bool known_type =
          !made || std::ranges::find(kMadeSystems, system->type) != std::end(kMadeSystems);
      if (!known_type || (!made && !leads_down_from_root(system->place)) ||
          (made && holds_files != (system->folder != nullptr)))
        return wrong("a file system");
      TRY(shown(*system));
      if (system->folder && !system->folder->mtime) return wrong("a file system's root");
    }
    return {};
  }

  Result<> shown(const FileSystemT& system) {
    if (system.type == "nsfs" && system.place.empty()) {
      if (std::ranges::find(kKept, system.source) == std::end(kKept))
        return wrong("a mounted namespace");
      return verify_space(image_, system.shows, system.source);
    }
    if (system.shows != -1 && system.type != "sysfs") return wrong("a file system");
    return verify_space(image_, system.shows, "net");
  }

  // Of every namespace one is the root, and first among its mounts.
  Result<> mounts() {
    std::set<int> roots;
    for (size_t i = 0; i < image_.mounts.size(); ++i) {
      const MountT& mount = *image_.mounts[i];
      if (!known(mount.kind)) return wrong("a mount of no kind");
      TRY(verify_space(image_, mount.space, "mnt"));
      const bool has_system = inside(mount.file_system, image_.file_systems.size());
      if (mount.group < 0 || mount.master < 0 ||
          ((mount.group != 0 || mount.master != 0) && !has_system))
        return wrong("the group of a mount");
      if (mount.kind == MountKind::made)
        TRY(made_mount(mount, i, roots));
      else if (mount.space != -1 || !leads_down_from_root(mount.point))
        return wrong("a mount of the instance");
    }
    for (size_t i = 0; i < image_.namespaces.size(); ++i)
      if (image_.namespaces[i]->kind == "mnt" && roots.count(static_cast<int>(i)) == 0)
        return wrong("a mount namespace without a root");
    return {};
  }

  Result<> made_mount(const MountT& mount, size_t index, std::set<int>& roots) {
    if (!inside(mount.file_system, image_.file_systems.size()))
      return wrong("a mount of no file system");
    if ((!mount.root.empty() && !leads_down(mount.root)) ||
        (!mount.point.empty() && !leads_down(mount.point)))
      return wrong("where a mount is");
    if (mount.parent == -1)
      return mount.space != -1 && roots.insert(mount.space).second
                 ? Result<>{}
                 : Result<>(wrong("the root of a mount namespace"));
    if (!inside(mount.parent, index)) return wrong("what a mount is on");
    const MountT& parent = *image_.mounts[static_cast<size_t>(mount.parent)];
    return parent.space == mount.space && parent.kind != MountKind::gone
               ? Result<>{}
               : Result<>(wrong("what a mount is on"));
  }

  const ImageT& image_;
};

}  // namespace

Result<> verify_mounts(const ImageT& image) { return Verifier(image).run(); }

Result<> verify_space(const ImageT& image, int index, std::string_view kind) {
  const bool known_one =
      index == -1 || (inside(index, image.namespaces.size()) &&
                      image.namespaces[static_cast<size_t>(index)]->kind == kind);
  return known_one ? Result<>{} : Result<>(wrong("a namespace of the kind " + std::string(kind)));
}

}  // namespace appshot::image
