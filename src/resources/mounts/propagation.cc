#include "resources/mounts/propagation.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <map>
#include <string>

#include "resources/mounts/workshop.h"

namespace appshot::mounts {
namespace {

constexpr unsigned kSetGroup = 0x100;  // MOVE_MOUNT_SET_GROUP, Linux 5.15

Result<> change_type(int mount, uint64_t type) {
  mount_attr change{};
  change.propagation = type;
  TRY_SYS(::mount_setattr(mount, "", AT_EMPTY_PATH, &change, sizeof change));
  return {};
}

Result<> join(int from, int mount) {
  TRY_SYS(::move_mount(from, "", mount, "",
                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | kSetGroup));
  return {};
}

// A mount can take the group of another that shows at least as much. So for each kind of membership
// there is a pattern: a whole file system, mounted in the workshop, which ends with that.
class Patterns {
 public:
  explicit Patterns(const image::ImageT& image) : image_(image) {}

  Result<int> pattern(int group, int master) {
    if (auto known = made_.find({group, master}); known != made_.end()) return known->second.get();
    // Masters of masters: as many as there are mounts, if the image is what it should be.
    if (++depth_ > image_.mounts.size()) return Error(ErrorClass::corrupt, "mounts of no master");
    UniqueFd mount = TRY(Workshop::piece(file_system_of(group != 0 ? group : master), ""));
    TRY(mount_on(mount.get(), AT_FDCWD, TRY(place_for(mount.get()))));
    if (master != 0) {
      TRY(join(TRY(pattern(master, master_of(master))), mount.get()));
      TRY(change_type(mount.get(), MS_SLAVE));
    }
    if (group != 0) TRY(change_type(mount.get(), MS_SHARED));
    --depth_;
    return made_.emplace(std::pair(group, master), std::move(mount)).first->second.get();
  }

 private:
  const image::MountT* member_of(int group) const {
    for (const auto& mount : image_.mounts)
      if (mount->group == group) return mount.get();
    return nullptr;
  }
  int master_of(int group) const {
    const image::MountT* member = member_of(group);
    return member == nullptr ? 0 : member->master;
  }
  int file_system_of(int group) const {
    const image::MountT* member = member_of(group);
    return member == nullptr ? 0 : member->file_system;
  }

  Result<std::string> place_for(int mount) {
    const std::string place =
        std::string(Workshop::place()) + "/pattern" + std::to_string(made_.size() + depth_);
    struct stat info {};
    TRY_SYS(::fstatat(mount, "", &info, AT_EMPTY_PATH));
    if (S_ISDIR(info.st_mode))
      TRY_SYS(::mkdir(place.c_str(), 0700));
    else
      TRY_SYS(::mknod(place.c_str(), S_IFREG | 0600, 0));
    return place;
  }

  const image::ImageT& image_;
  std::map<std::pair<int, int>, UniqueFd> made_;
  size_t depth_ = 0;
};

}  // namespace

Result<> restore_propagation(const RestoreContext& context, const std::vector<UniqueFd>& mounts) {
  Patterns patterns(context.image);
  for (size_t i = 0; i < mounts.size(); ++i) {
    const image::MountT& record = *context.image.mounts[i];
    if (record.group != 0 || record.master != 0)
      TRY(join(TRY(patterns.pattern(record.group, record.master)), mounts[i].get())
              .within("propagation of a mount on " + record.point));
  }
  return {};
}

}  // namespace appshot::mounts
