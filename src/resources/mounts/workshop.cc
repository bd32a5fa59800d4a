#include "resources/mounts/workshop.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/proc/mountinfo.h"
#include "resources/acting.h"
#include "resources/namespaces.h"
#include "resources/private_files.h"

namespace appshot::mounts {
namespace {

// A folder of every instance that none of the steps here needs.
constexpr char kPlace[] = "/dev/shm";

std::string descriptor_path(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

std::string place_of_system(size_t index) {
  return std::string(kPlace) + "/" + std::to_string(index);
}

Result<UniqueFd> copy_of(const std::string& path) {
  const int found = ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (found < 0) return Error::from_errno(errno, "open_tree " + path);
  return UniqueFd(found);
}

Result<UniqueFd> namespace_file(const RestoreContext& context, const image::FileSystemT& system) {
  if (system.shows < 0) return copy_of("/proc/thread-self/ns/" + system.source);
  return copy_of(descriptor_path(context.namespaces[static_cast<size_t>(system.shows)]));
}

Result<UniqueFd> make_again(const RestoreContext& context, size_t index) {
  const image::FileSystemT& system = *context.image.file_systems[index];
  if (system.type == "nsfs") return namespace_file(context, system);
  // A sysfs shows the network of who makes it.
  const int network = system.type == "sysfs" ? system.shows : -1;
  UniqueFd mount = TRY(context.in_network(network, [&] { return make_file_system(system); }));
  if (system.folder) {
    const std::string folder = descriptor_path(mount) + "/.";
    TRY(restore_files(context.image, context.pages, "mounts/" + std::to_string(index) + "/",
                      folder));
    TRY(restore_folder(*system.folder, folder));
  }
  if (system.options.starts_with("ro")) TRY(make_read_only(mount.get()));
  return mount;
}

// Nothing: it is made later.
Result<UniqueFd> find_or_make(const RestoreContext& context, size_t index) {
  const image::FileSystemT& system = *context.image.file_systems[index];
  if (system.processes_of >= 0) return UniqueFd();
  if (system.place.empty())
    return make_again(context, index).within("a file system (" + system.type + ")");
  return copy_of(system.place);
}

Result<> put(const UniqueFd& mount, const std::string& where) {
  struct stat info {};
  TRY_SYS(::fstatat(mount.get(), "", &info, AT_EMPTY_PATH));
  if (S_ISDIR(info.st_mode))
    TRY_SYS(::mkdir(where.c_str(), 0700));
  else
    TRY(open_file(where, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  return mount_on(mount.get(), AT_FDCWD, where);
}

}  // namespace

Result<UniqueFd> make_file_system(const image::FileSystemT& system) {
  UniqueFd made(TRY_SYS(::fsopen(system.type.c_str(), FSOPEN_CLOEXEC)));
  auto set = [&](unsigned command, const std::string& key, const char* value) -> Result<> {
    if (::fsconfig(made.get(), command, key.c_str(), value, 0) != 0)
      return Error::from_errno(errno, "fsconfig " + key);
    return {};
  };
  if (!system.source.empty()) TRY(set(FSCONFIG_SET_STRING, "source", system.source.c_str()));
  for (const std::string& option : proc::split_options(system.options)) {
    const size_t equals = option.find('=');
    // Its files must be put there first.
    if (option == "ro" || option == "rw") continue;
    if (equals == std::string::npos)
      TRY(set(FSCONFIG_SET_FLAG, option, nullptr));
    else
      TRY(set(FSCONFIG_SET_STRING, option.substr(0, equals), option.c_str() + equals + 1));
  }
  TRY_SYS(::fsconfig(made.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
  return UniqueFd(TRY_SYS(::fsmount(made.get(), FSMOUNT_CLOEXEC, 0)));
}

Result<> make_read_only(int mount) {
  UniqueFd system(TRY_SYS(::fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)));
  TRY_SYS(::fsconfig(system.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0));
  TRY_SYS(::fsconfig(system.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0));
  return {};
}

const char* Workshop::place() { return kPlace; }

Result<Workshop> Workshop::build(const RestoreContext& context) {
  TRY_SYS(::unshare(CLONE_NEWNS));
  Workshop workshop(TRY(open_file("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)));
  // All are fetched before anything is covered.
  std::vector<UniqueFd> mounts;
  for (size_t i = 0; i < context.image.file_systems.size(); ++i)
    mounts.push_back(TRY(find_or_make(context, i)));
  image::FileSystemT own;
  own.type = "tmpfs";
  const UniqueFd ground = TRY(make_file_system(own));
  TRY(mount_on(ground.get(), AT_FDCWD, kPlace));
  for (size_t i = 0; i < mounts.size(); ++i)
    if (mounts[i]) TRY(put(mounts[i], place_of_system(i)));
  return workshop;
}

Result<> Workshop::enter() const {
  TRY_SYS(::setns(space_.get(), CLONE_NEWNS));
  return {};
}

// Whoever has made one of another owner cannot come back, so somebody else does.
Result<UniqueFd> Workshop::enter_copy(const RestoreContext& context,
                                      const image::NamespaceT& space) const {
  UniqueFd made = TRY(make_aside([&]() -> Result<UniqueFd> {
    TRY(enter());
    TRY(namespaces::enter_owner(context, space));
    TRY_SYS(::unshare(CLONE_NEWNS));
    return open_file("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  }));
  TRY_SYS(::setns(made.get(), CLONE_NEWNS));
  return made;
}

Result<UniqueFd> Workshop::piece(int file_system, const std::string& root) {
  std::string path = place_of_system(static_cast<size_t>(file_system));
  if (!root.empty()) path += "/" + root;
  const int tree = ::open_tree(AT_FDCWD, path.c_str(),
                               OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  if (tree < 0) return Error::from_errno(errno, "open_tree " + root);
  return UniqueFd(tree);
}

Result<> mount_on(int mount, int on, const std::string& point) {
  const unsigned to_itself = point.empty() ? MOVE_MOUNT_T_EMPTY_PATH : 0;
  if (::move_mount(mount, "", on, point.c_str(), MOVE_MOUNT_F_EMPTY_PATH | to_itself) != 0)
    return Error::from_errno(errno, "move_mount to " + point);
  return {};
}

}  // namespace appshot::mounts
