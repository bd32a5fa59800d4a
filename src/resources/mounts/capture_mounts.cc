#include "resources/mounts/capture_mounts.h"

#include <algorithm>
#include <map>

#include "os/mount_namespace.h"
#include "resources/mounts/kept_mounts.h"
#include "resources/mounts/namespace_files.h"
#include "resources/namespaces.h"
#include "resources/private_files.h"

namespace appshot::mounts {
namespace {

using proc::Mount;

class Capture {
 public:
  Capture(CaptureContext& context, const SeenMounts& seen) : context_(context), seen_(seen) {}

  Result<> run() {
    for (const auto& space : seen_.spaces()) TRY(note_space(*space));
    for (const auto& space : seen_.spaces()) {
      order_by_parents(*space);
      mounts_.clear();
      if (seen_.is_own(*space)) note_gone();
      for (const Mount& mount : space->look.mounts)
        if (space->find(mount.parent) == nullptr) TRY(add_with_children(*space, mount));
    }
    return {};
  }

 private:
  Result<> note_space(const SeenSpace& space) {
    int index = -1;
    if (!seen_.is_own(space)) {
      index = TRY(namespaces::capture(context_, "mnt", space.path));
      context_.mount_spaces.from_here[index] = space.here("");
    }
    for (const Mount& mount : space.look.mounts) context_.mount_spaces.of_mounts[mount.id] = index;
    indexes_[&space] = index;
    return {};
  }

  // On one mount what lies deeper was mounted first: afterwards nothing of it could be reached.
  void order_by_parents(const SeenSpace& space) {
    children_.clear();
    for (const Mount& mount : space.look.mounts) children_[mount.parent].push_back(&mount);
    for (auto& [parent, children] : children_)
      std::ranges::stable_sort(children, [](const Mount* a, const Mount* b) {
        return std::ranges::count(a->point, '/') > std::ranges::count(b->point, '/');
      });
  }

  // The last ones first, as they are unmounted.
  void note_gone() {
    for (auto was = seen_.before().rbegin(); was != seen_.before().rend(); ++was) {
      if (seen_.now(*was) != nullptr) continue;
      auto gone = std::make_unique<image::MountT>();
      gone->kind = image::MountKind::gone;
      gone->point = was->point;
      context_.image.mounts.push_back(std::move(gone));
    }
  }

  Result<> add_with_children(const SeenSpace& space, const Mount& mount) {
    const Mount* was = seen_.is_own(space) ? seen_.before(mount) : nullptr;
    if (was == nullptr)
      TRY(add_made(space, mount));
    else if (is_worth_a_record(*was, mount))
      TRY(add_kept(mount));
    for (const Mount* child : children_[mount.id])
      if (child->id != mount.id) TRY(add_with_children(space, *child));
    return {};
  }

  bool is_worth_a_record(const Mount& was, const Mount& now) {
    if (was.options != now.options || was.group != now.group || was.master != now.master ||
        was.unbindable != now.unbindable)
      return true;
    return std::ranges::any_of(children_[now.id],
                               [&](const Mount* child) { return seen_.before(*child) == nullptr; });
  }

  Result<> add_kept(const Mount& mount) {
    auto record = TRY(common(mount));
    record->kind = image::MountKind::kept;
    record->point = mount.point;
    if (mount.group != 0 || mount.master != 0)
      record->file_system = TRY(file_system(mount, seen_.place_of(mount)));
    add(mount, std::move(record));
    return {};
  }

  Result<> add_made(const SeenSpace& space, const Mount& mount) {
    auto record = TRY(common(mount));
    record->space = indexes_.at(&space);
    if (const Mount* parent = space.find(mount.parent)) {
      record->parent = mounts_.at(mount.parent);
      record->point = proc::point_below(parent->point, mount.point);
    }
    if (is_namespace_file(mount)) {
      record->file_system = TRY(namespace_file(space, mount));
      add(mount, std::move(record));
      return {};
    }
    const Mount* place = seen_.place_of(mount);
    const Mount& from = place != nullptr ? *place : *seen_.system_of(mount)->top;
    record->file_system = TRY(file_system(mount, place));
    record->root = root_below(from, mount);
    add(mount, std::move(record));
    return {};
  }

  static Result<std::unique_ptr<image::MountT>> common(const Mount& mount) {
    auto record = std::make_unique<image::MountT>();
    record->attributes = TRY(proc::mount_attributes(mount.options));
    record->group = mount.group;
    record->master = mount.master;
    record->unbindable = mount.unbindable;
    return record;
  }

  void add(const Mount& mount, std::unique_ptr<image::MountT> record) {
    mounts_[mount.id] = static_cast<int>(context_.image.mounts.size());
    context_.image.mounts.push_back(std::move(record));
  }

  // All lie in one file system of the kernel's own; here each is one.
  Result<int> namespace_file(const SeenSpace& space, const Mount& mount) {
    if (auto known = namespace_files_.find(mount.root); known != namespace_files_.end())
      return known->second;
    auto system = std::make_unique<image::FileSystemT>();
    system->type = mount.type;
    system->source = kind_of_namespace(mount);
    system->shows = TRY(namespaces::capture(context_, system->source, space.here(mount.point)));
    const int index = static_cast<int>(context_.image.file_systems.size());
    context_.image.file_systems.push_back(std::move(system));
    return namespace_files_[mount.root] = index;
  }

  Result<int> file_system(const Mount& mount, const Mount* place) {
    const auto key = std::pair(mount.device, place == nullptr ? 0 : place->id);
    if (auto known = systems_.find(key); known != systems_.end()) return known->second;
    auto system = std::make_unique<image::FileSystemT>();
    system->type = mount.type;
    if (place != nullptr) {
      system->place = place->point;
    } else {
      system->source = mount.source;
      system->options = mount.system_options;
      const SeenFileSystem& seen = *seen_.system_of(mount);
      if (seen.of_nested_processes)
        system->processes_of = TRY(namespaces::capture(context_, "pid", seen.processes()));
      if (seen.network) system->shows = TRY(namespaces::capture(context_, "net", *seen.network));
      if (holds_files(mount.type))
        system->folder = TRY(capture_folder(seen.space->here(seen.top->point)));
    }
    const int index = static_cast<int>(context_.image.file_systems.size());
    context_.image.file_systems.push_back(std::move(system));
    systems_[key] = index;
    context_.mount_spaces.file_systems[mount.device] = index;
    return index;
  }

  CaptureContext& context_;
  const SeenMounts& seen_;
  std::map<const SeenSpace*, int> indexes_;                 // -> Image.namespaces
  std::map<uint64_t, std::vector<const Mount*>> children_;  // of one namespace
  std::map<uint64_t, int> mounts_;                          // -> Image.mounts, of one namespace
  std::map<std::pair<dev_t, uint64_t>, int> systems_;       // -> Image.file_systems
  std::map<std::string, int> namespace_files_;              // the same, by the namespace
};

// Its files as nothing that is mounted on them covers them.
Result<> capture_files_of(CaptureContext& context, const SeenFileSystem& system, int index) {
  const std::string own = "/proc/" + std::to_string(context.instance.init.value) + "/ns/mnt";
  const std::string& path = system.space->path.empty() ? own : system.space->path;
  const UniqueFd clean = TRY(open_uncovered(path, system.top->point));
  const std::string folder = "/proc/self/fd/" + std::to_string(clean.get());
  return capture_files(context, folder, "mounts/" + std::to_string(index) + "/");
}

}  // namespace

Result<> capture(CaptureContext& context, const SeenMounts& seen) {
  return seen.empty() ? Result<>() : Capture(context, seen).run();
}

Result<> capture_contents(CaptureContext& context, const SeenMounts& seen) {
  for (const SeenFileSystem& system : seen.systems())
    if (system.top != nullptr && holds_files(system.top->type))
      TRY(capture_files_of(context, system, context.mount_spaces.file_systems.at(system.device))
              .within("files of " + system.top->point));
  return {};
}

}  // namespace appshot::mounts
