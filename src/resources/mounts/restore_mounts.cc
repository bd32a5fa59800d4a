#include "resources/mounts/restore_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <map>

#include "os/file.h"
#include "os/mount_namespace.h"
#include "resources/mounts/propagation.h"
#include "resources/mounts/workshop.h"

namespace appshot::mounts {
namespace {

constexpr uint64_t kAllAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                    MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME |
                                    MOUNT_ATTR_NOSYMFOLLOW;

Result<> set_attributes(int mount, uint64_t attributes) {
  mount_attr change{};
  change.attr_set = attributes;
  change.attr_clr = kAllAttributes;
  TRY_SYS(::mount_setattr(mount, "", AT_EMPTY_PATH, &change, sizeof change));
  return {};
}

// It shows a pid namespace of the application's own, or is mounted on such a one.
bool is_late(const image::ImageT& image, size_t index) {
  for (int at = static_cast<int>(index); at >= 0;) {
    const image::MountT& mount = *image.mounts[static_cast<size_t>(at)];
    if (mount.file_system >= 0 && mount.kind == image::MountKind::made &&
        image.file_systems[static_cast<size_t>(mount.file_system)]->processes_of >= 0)
      return true;
    at = mount.parent;
  }
  return false;
}

class Restore {
 public:
  explicit Restore(RestoreContext& context)
      : context_(context), image_(context.image), mounts_(image_.mounts.size()) {}

  Result<> run() {
    UniqueFd home = TRY(open_file("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
    const Workshop workshop = TRY(Workshop::build(context_));
    TRY(cut_pieces(-1));
    TRY_SYS(::setns(home.get(), CLONE_NEWNS));
    TRY(change_own());
    for (size_t i = 0; i < image_.namespaces.size(); ++i)
      if (image_.namespaces[i]->kind == "mnt") TRY(make_space(workshop, static_cast<int>(i)));
    TRY(workshop.enter());
    TRY(restore_propagation(context_, mounts_));
    TRY_SYS(::setns(home.get(), CLONE_NEWNS));
    return keep_for_late_ones();
  }

 private:
  const image::MountT& record(size_t index) const { return *image_.mounts[index]; }

  // Of what will be mounted there.
  Result<> cut_pieces(int space) {
    for (size_t i = 0; i < mounts_.size(); ++i) {
      if (record(i).space != space || record(i).kind != image::MountKind::made) continue;
      if (shows_nested_processes(i)) continue;
      mounts_[i] = TRY(Workshop::piece(record(i).file_system, record(i).root));
      TRY(set_attributes(mounts_[i].get(), record(i).attributes));
    }
    return {};
  }

  bool shows_nested_processes(size_t index) const {
    const int system = record(index).file_system;
    return system >= 0 && image_.file_systems[static_cast<size_t>(system)]->processes_of >= 0;
  }

  Result<> attach(size_t index) {
    if (is_late(image_, index)) return {};
    const int parent = mounts_[static_cast<size_t>(record(index).parent)].get();
    TRY(mount_on(mounts_[index].get(), parent, record(index).point));
    return make_unbindable(index);
  }

  Result<> make_unbindable(size_t index) {
    if (!record(index).unbindable) return {};
    mount_attr change{};
    change.propagation = MS_UNBINDABLE;
    TRY_SYS(::mount_setattr(mounts_[index].get(), "", AT_EMPTY_PATH, &change, sizeof change));
    return {};
  }

  // The instance's own namespace has been made as for any new one.
  Result<> change_own() {
    for (size_t i = 0; i < mounts_.size(); ++i) {
      const image::MountT& mount = record(i);
      if (mount.space != -1) continue;
      switch (mount.kind) {
        case image::MountKind::gone:
          if (::umount2(mount.point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
            return Error::from_errno(errno, "umount " + mount.point);
          break;
        case image::MountKind::kept:
          mounts_[i] = TRY(open_file(mount.point, O_PATH | O_NOFOLLOW | O_CLOEXEC));
          TRY(set_attributes(mounts_[i].get(), mount.attributes).within(mount.point));
          TRY(make_unbindable(i));
          break;
        case image::MountKind::made:
          TRY(attach(i));
          break;
      }
    }
    return {};
  }

  // Its root comes first among its mounts.
  Result<> make_space(const Workshop& workshop, int space) {
    TRY(workshop.enter());
    TRY(cut_pieces(space));
    UniqueFd made =
        TRY(workshop.enter_copy(context_, *image_.namespaces[static_cast<size_t>(space)]));
    for (size_t i = 0; i < mounts_.size(); ++i) {
      if (record(i).space != space) continue;
      if (record(i).parent >= 0) {
        TRY(attach(i));
      } else {
        TRY(become_root(mounts_[i].get()));
        TRY(make_unbindable(i));
      }
    }
    context_.roots[space] = TRY(keep(TRY(open_file("/", O_PATH | O_DIRECTORY | O_CLOEXEC))));
    context_.namespaces[static_cast<size_t>(space)] = TRY(keep(std::move(made)));
    return {};
  }

  Result<> keep_for_late_ones() {
    std::vector<UniqueFd> kept(mounts_.size());
    for (size_t i = 0; i < mounts_.size(); ++i) {
      if (!is_late(image_, i)) continue;
      for (size_t needed : {i, static_cast<size_t>(record(i).parent)})
        if (!kept[needed] && mounts_[needed]) kept[needed] = TRY(keep(std::move(mounts_[needed])));
    }
    context_.mounts = std::move(kept);
    return {};
  }

  // All that the namespace was copied with goes.
  static Result<> become_root(int mount) {
    TRY(mount_on(mount, AT_FDCWD, Workshop::place()));
    return make_root(mount);
  }

  Result<UniqueFd> keep(UniqueFd fd) const {
    return UniqueFd(TRY_SYS(::fcntl(fd.get(), F_DUPFD_CLOEXEC, context_.first_descriptor)));
  }

  RestoreContext& context_;
  const image::ImageT& image_;
  std::vector<UniqueFd> mounts_;  // by Image.mounts, on their roots
};

}  // namespace

namespace {

// By a process of the pid namespace in question, in whose /proc nothing else is than its processes.
class LateMounts {
 public:
  LateMounts(const RestoreContext& context, int space)
      : context_(context), image_(context.image), space_(space), made_(image_.mounts.size()) {}

  Result<> run() {
    for (size_t i = 0; i < image_.file_systems.size(); ++i)
      if (image_.file_systems[i]->processes_of == space_)
        systems_[static_cast<int>(i)] = TRY(make_file_system(*image_.file_systems[i]));
    // What is mounted somewhere cannot be copied from anywhere else.
    for (size_t i = 0; i < made_.size(); ++i)
      if (is_ours(i)) made_[i] = TRY(piece(i));
    for (size_t i = 0; i < made_.size(); ++i)
      if (made_[i]) TRY(mount(i));
    for (const auto& [index, system] : systems_)
      if (image_.file_systems[static_cast<size_t>(index)]->options.starts_with("ro"))
        TRY(make_read_only(system.get()));
    return {};
  }

 private:
  const image::MountT& record(size_t index) const { return *image_.mounts[index]; }

  // It shows our pid namespace, or is mounted on such a one; the nearest decides.
  bool is_ours(size_t index) const {
    for (int at = static_cast<int>(index); at >= 0;) {
      const image::MountT& mount = record(static_cast<size_t>(at));
      const bool made = mount.kind == image::MountKind::made && mount.file_system >= 0;
      const int shows =
          made ? image_.file_systems[static_cast<size_t>(mount.file_system)]->processes_of : -1;
      if (shows >= 0) return shows == space_;
      at = mount.parent;
    }
    return false;
  }

  Result<UniqueFd> piece(size_t index) {
    const image::MountT& mount = record(index);
    auto system = systems_.find(mount.file_system);
    if (system == systems_.end())  // cut before
      return UniqueFd(TRY_SYS(::fcntl(context_.mounts[index].get(), F_DUPFD_CLOEXEC, 0)));
    const unsigned of_itself = mount.root.empty() ? AT_EMPTY_PATH : 0;
    return UniqueFd(TRY_SYS(::open_tree(system->second.get(), mount.root.c_str(),
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | of_itself)));
  }

  Result<> mount(size_t index) {
    const image::MountT& mount = record(index);
    TRY(enter(mount.space));
    TRY(set_attributes(made_[index].get(), mount.attributes));
    const UniqueFd on = TRY(where(static_cast<size_t>(mount.parent)));
    TRY(mount_on(made_[index].get(), on.get(), mount.point));
    if (!mount.unbindable) return {};
    mount_attr change{};
    change.propagation = MS_UNBINDABLE;
    TRY_SYS(::mount_setattr(made_[index].get(), "", AT_EMPTY_PATH, &change, sizeof change));
    return {};
  }

  // The root of a mount of this namespace. Another process has made it if it shows another pid
  // namespace: that one was there before, and it is found by its place.
  Result<UniqueFd> where(size_t index) const {
    for (const UniqueFd* known : {&made_[index], &context_.mounts[index]})
      if (*known) return UniqueFd(TRY_SYS(::fcntl(known->get(), F_DUPFD_CLOEXEC, 0)));
    return open_file(place_of(index), O_PATH | O_CLOEXEC);
  }

  std::string place_of(size_t index) const {
    const image::MountT& mount = record(index);
    if (mount.parent < 0) return mount.kind == image::MountKind::kept ? mount.point : "/";
    const std::string parent = place_of(static_cast<size_t>(mount.parent));
    if (mount.point.empty()) return parent;
    return (parent == "/" ? "" : parent) + "/" + mount.point;
  }

  // The instance's own comes first among mounts, and the caller is there.
  Result<> enter(int space) {
    if (space == here_) return {};
    TRY_SYS(::setns(context_.namespaces[static_cast<size_t>(space)].get(), CLONE_NEWNS));
    here_ = space;
    return {};
  }

  const RestoreContext& context_;
  const image::ImageT& image_;
  const int space_;
  int here_ = -1;
  std::map<int, UniqueFd> systems_;  // by Image.file_systems
  std::vector<UniqueFd> made_;       // by Image.mounts
};

}  // namespace

Result<> mount_processes_child(const RestoreContext& context, int space) {
  return LateMounts(context, space).run();
}

Result<> make_all(RestoreContext& context) {
  return context.image.mounts.empty() ? Result<>() : Restore(context).run();
}

}  // namespace appshot::mounts
