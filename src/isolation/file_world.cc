#include "isolation/file_world.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolation/boot_id.h"
#include "isolation/lower_files.h"
#include "isolation/resolver.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_namespace.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

constexpr uint32_t kTerminalGroup = 5;  // tty, on every Linux

Result<> mount_at(const char* source, const std::string& target, const char* type,
                  unsigned long flags, const std::string& options = "") {
  if (::mount(source, target.c_str(), type, flags, options.empty() ? nullptr : options.c_str()) !=
      0)
    return Error::from_errno(errno, "mount " + std::string(type ? type : "bind") + " on " + target);
  return {};
}

Result<> make_device(const std::string& path, unsigned major, unsigned minor) {
  if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(major, minor)) != 0)
    return Error::from_errno(errno, "mknod " + path);
  TRY_SYS(::chmod(path.c_str(), 0666));
  return {};
}

Result<> make_link(const char* target, const std::string& path) {
  if (::symlink(target, path.c_str()) != 0) return Error::from_errno(errno, "symlink " + path);
  return {};
}

// The kernel gives these to the machine's root.
Result<> give_to_root_inside(const OwnUsers& users, const std::string& folder) {
  if (users) TRY_SYS(::chown(folder.c_str(), users.root, users.root));
  return {};
}

Result<> make_ipc_file_systems(const FileWorld& world, const std::string& dev) {
  if (world.share.ipc) {
    // The host's own queues and shared memory, seen through the instance's root.
    TRY(mount_at("/dev/shm", dev + "/shm", nullptr, MS_BIND));
    if (::access("/dev/mqueue/.", F_OK) == 0)
      TRY(mount_at("/dev/mqueue", dev + "/mqueue", nullptr, MS_BIND));
    return {};
  }
  TRY(mount_at("shm", dev + "/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
  TRY(mount_at("mqueue", dev + "/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  return give_to_root_inside(world.users, dev + "/mqueue");
}

Result<> make_dev(const FileWorld& world, const std::string& dev) {
  TRY(mount_at("dev", dev, "tmpfs", MS_NOSUID, "mode=755,size=4m"));
  TRY(make_device(dev + "/null", 1, 3));
  TRY(make_device(dev + "/zero", 1, 5));
  TRY(make_device(dev + "/full", 1, 7));
  TRY(make_device(dev + "/random", 1, 8));
  TRY(make_device(dev + "/urandom", 1, 9));
  TRY(make_device(dev + "/tty", 5, 0));
  for (const char* folder : {"/pts", "/shm", "/mqueue"}) TRY(make_folders(dev + folder));
  TRY(mount_at("devpts", dev + "/pts", "devpts", MS_NOSUID | MS_NOEXEC,
               "newinstance,ptmxmode=0666,mode=0620,gid=" +
                   std::to_string(world.users.root + kTerminalGroup)));
  TRY(give_to_root_inside(world.users, dev + "/pts"));
  TRY(make_link("pts/ptmx", dev + "/ptmx"));
  TRY(make_link("/proc/self/fd", dev + "/fd"));
  TRY(make_link("/proc/self/fd/0", dev + "/stdin"));
  TRY(make_link("/proc/self/fd/1", dev + "/stdout"));
  TRY(make_link("/proc/self/fd/2", dev + "/stderr"));
  return make_ipc_file_systems(world, dev);
}

Result<> make_info(const FileWorld& world, const std::string& root) {
  // A rule may have led /run elsewhere.
  const UniqueFd opened = TRY(open_file(root + "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd place = TRY(make_place_in_root(opened.get(), "/run/appshot", PlaceKind::folder));
  const UniqueFd info = TRY(open_file(world.info, O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd mount = TRY(copy_mount(info.get()));
  TRY(make_safe_and_read_only(mount.get()));
  return attach_mount(mount.get(), place.get());
}

Result<> move_into(const std::string& root) {
  const UniqueFd mount = TRY(open_file(root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return make_root(mount.get());
}

// /sys shows the network namespace it is mounted in; a kernel that refuses leaves the host's.
Result<> make_kernel_views(const FileWorld& world, const std::string& root) {
  TRY(mount_at("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (world.share.net) {
    const UniqueFd seen = TRY(copy_mounts(TRY(open_file("/sys", O_PATH | O_CLOEXEC)).get()));
    if (!world.privileged) TRY(make_read_only(seen.get()));
    return attach_mount(seen.get(), TRY(open_file(root + "/sys", O_PATH | O_CLOEXEC)).get());
  }
  return mount_at("sysfs", root + "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
}

// Folders that are ours to mount on. What an environment has there instead, a link to somewhere
// say, is not followed.
Result<> make_places(const FileWorld& world) {
  const UniqueFd root = TRY(open_file(world.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const char* path : {"/proc", "/sys", "/dev", "/run", "/run/appshot"}) {
    const Result<UniqueFd> there = open_below(root.get(), path, O_PATH | O_DIRECTORY);
    if (there) continue;
    const std::string name = world.root + path;
    if (there.error().err() != ENOENT) TRY_SYS(::unlink(name.c_str()));
    TRY_SYS(::mkdir(name.c_str(), 0755));
  }
  return {};
}

// As the host does it.
Result<> make_names_resolve(const FileWorld& world) {
  if (!world.own_root)
    return world.share.net ? Result<>() : bypass_local_resolver(world.root, world.info);
  const UniqueFd root = TRY(open_file(world.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return lend_resolver(root.get(), world.share.net ? "" : world.info);
}

// What is hidden is so before anything is led to it.
Result<> hide_and_apply_rules(const FileWorld& world) {
  const UniqueFd root = TRY(open_file(world.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  TRY(hide_below(root.get(), world.hidden, "/", "/"));
  const CopyFolder copy = [&](const std::string& from, const std::string& to) {
    return world.copy_folder(world.users, from, to);
  };
  return lead_paths(root.get(), world.public_paths, world.redirections, copy, world.hidden);
}

// The host's own files; only what speaks of processes and IPC is the instance's.
Result<> enter_host_files(const FileWorld& world) {
  TRY(mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (!world.share.ipc) {
    TRY(mount_at("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
    if (::access("/dev/mqueue/.", F_OK) == 0)
      TRY(mount_at("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  }
  TRY(mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
               "newinstance,ptmxmode=0666,mode=0620,gid=" + std::to_string(kTerminalGroup)));
  // On a tmpfs of our own, so that /run/appshot does not have to exist on the host.
  TRY(mount_at("appshot", world.root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
  if (::access("/run/appshot", F_OK) == 0) return make_info(world, "");
  return {};
}

// While nothing but its own layers lies there.
Result<std::vector<HostKey>> change_identity(const FileWorld& world) {
  if (!world.is_clone) return std::vector<HostKey>();
  const UniqueFd root = TRY(open_file(world.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return give_fresh_identity(root.get(), !world.own_root);
}

}  // namespace

std::span<const std::string_view> names_in_dev() {
  static constexpr std::string_view kNames[] = {"null", "zero",  "full",   "random", "urandom",
                                                "tty",  "pts",   "shm",    "mqueue", "ptmx",
                                                "fd",   "stdin", "stdout", "stderr"};
  return kNames;
}

uint64_t FileWorld::namespaces() const {
  return share.namespaces() & ~((users.ipc ? CLONE_NEWIPC : 0) | (users.names ? CLONE_NEWUTS : 0));
}

Result<std::vector<HostKey>> enter_file_world(const FileWorld& world) {
  // Nothing mounted from here on shows on the host.
  TRY(mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE));
  if (world.share.fs) {
    TRY(enter_host_files(world));
    return std::vector<HostKey>();
  }
  TRY(world.own_root ? make_own_root(world) : make_host_view(world));
  if (world.users) make_as_root_inside(world.users.root);
  std::vector<HostKey> lost = TRY(change_identity(world).within("the clone's identity"));
  TRY(make_places(world));
  TRY(make_kernel_views(world, world.root));
  TRY(make_dev(world, world.root + "/dev"));
  TRY(make_names_resolve(world));
  TRY(hide_and_apply_rules(world));
  TRY(make_info(world, world.root));
  TRY(show_boot_id(world.root, world.info));
  TRY(move_into(world.root));
  return lost;
}

}  // namespace appshot
