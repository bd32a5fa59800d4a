#include "resources/mounts/restore_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>

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
    return {};
  }

 private:
  const image::MountT& record(size_t index) const { return *image_.mounts[index]; }

  // Of what will be mounted there.
  Result<> cut_pieces(int space) {
    for (size_t i = 0; i < mounts_.size(); ++i) {
      if (record(i).space != space || record(i).kind != image::MountKind::made) continue;
      mounts_[i] = TRY(Workshop::piece(record(i).file_system, record(i).root));
      TRY(set_attributes(mounts_[i].get(), record(i).attributes));
    }
    return {};
  }

  Result<> attach(size_t index) {
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
    UniqueFd made = TRY(workshop.enter_copy());
    TRY(cut_pieces(space));
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

Result<> make_all(RestoreContext& context) {
  return context.image.mounts.empty() ? Result<>() : Restore(context).run();
}

}  // namespace appshot::mounts
