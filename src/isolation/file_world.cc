#include "isolation/file_world.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolation/host_mounts.h"
#include "isolation/resolver.h"
#include "os/file.h"
#include "os/mount_namespace.h"

namespace appshot {
namespace {

Result<> mount_at(const char* source, const std::string& target, const char* type,
                  unsigned long flags, const std::string& options = "") {
  if (::mount(source, target.c_str(), type, flags, options.empty() ? nullptr : options.c_str()) !=
      0)
    return Error::from_errno(errno, "mount " + std::string(type ? type : "bind") + " on " + target);
  return {};
}

// Overlay options take ':' and ',' and '\' only escaped.
std::string escaped(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c == ':' || c == ',' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// The layer stands over the whole host file system, the folder it is kept in included; what the
// instance finds there is its own view of it, so nothing of the layer can be reached by that way.
// Volatile: a layer is never used again after a crash of the machine, which ends its instance too;
// without it the end of every instance would write out all that is dirty on the host's file system.
Result<> mount_layer(const HostMount& mount, const FileWorld& world, const std::string& target) {
  std::string layer = world.layers + "/" + layer_name(mount.point);
  TRY(make_folders(layer + "/upper"));
  TRY(make_folders(layer + "/work"));
  // The folder's own mode and owner show as those of the mount point.
  struct stat lower {};
  TRY_SYS(::stat(mount.point.c_str(), &lower));
  TRY_SYS(::chown((layer + "/upper").c_str(), lower.st_uid, lower.st_gid));
  TRY_SYS(::chmod((layer + "/upper").c_str(), lower.st_mode & 07777));
  return mount_at("overlay", target, "overlay", 0,
                  "lowerdir=" + escaped(mount.point) + ",upperdir=" + escaped(layer + "/upper") +
                      ",workdir=" + escaped(layer + "/work") + ",volatile");
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

Result<> make_ipc_file_systems(const FileWorld& world, const std::string& dev) {
  if (world.share.ipc) {
    // The host's own queues and shared memory, seen through the instance's root.
    TRY(mount_at("/dev/shm", dev + "/shm", nullptr, MS_BIND));
    if (::access("/dev/mqueue/.", F_OK) == 0)
      TRY(mount_at("/dev/mqueue", dev + "/mqueue", nullptr, MS_BIND));
    return {};
  }
  TRY(mount_at("shm", dev + "/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
  return mount_at("mqueue", dev + "/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC);
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
               "newinstance,ptmxmode=0666,mode=0620,gid=5"));
  TRY(make_link("pts/ptmx", dev + "/ptmx"));
  TRY(make_link("/proc/self/fd", dev + "/fd"));
  TRY(make_link("/proc/self/fd/0", dev + "/stdin"));
  TRY(make_link("/proc/self/fd/1", dev + "/stdout"));
  TRY(make_link("/proc/self/fd/2", dev + "/stderr"));
  return make_ipc_file_systems(world, dev);
}

Result<> make_info(const FileWorld& world, const std::string& root) {
  std::string target = root + "/run/appshot";
  Result<> made = make_folders(target);
  if (!made) return made;
  TRY(mount_at(world.info.c_str(), target, nullptr, MS_BIND));
  return mount_at(nullptr, target, nullptr,
                  MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV);
}

// What appshot keeps of this and all other instances, their memory and files, is not theirs to see.
Result<> hide(const FileWorld& world) {
  for (const std::string& folder : world.hidden) {
    std::string target = world.root + folder;
    if (::access(target.c_str(), F_OK) != 0) continue;
    TRY(mount_at("hidden", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 "mode=755,size=4k"));
  }
  return {};
}

Result<> move_into(const std::string& root) {
  const UniqueFd mount = TRY(open_file(root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return make_root(mount.get());
}

// /sys shows the network namespace it is mounted in; a kernel that refuses leaves the host's.
Result<> make_kernel_views(const FileWorld& world, const std::string& root) {
  TRY(mount_at("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (world.share.net) return mount_at("/sys", root + "/sys", nullptr, MS_BIND | MS_REC);
  return mount_at("sysfs", root + "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
}

}  // namespace

std::span<const std::string_view> names_in_dev() {
  static constexpr std::string_view kNames[] = {"null", "zero",  "full",   "random", "urandom",
                                                "tty",  "pts",   "shm",    "mqueue", "ptmx",
                                                "fd",   "stdin", "stdout", "stderr"};
  return kNames;
}

Result<> enter_file_world(const FileWorld& world) {
  // Nothing mounted from here on shows on the host.
  TRY(mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE));
  if (world.share.fs) {
    // The host's own files; only what speaks of processes and IPC is the instance's.
    TRY(mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
    if (!world.share.ipc) {
      TRY(mount_at("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
      if (::access("/dev/mqueue/.", F_OK) == 0)
        TRY(mount_at("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC));
    }
    TRY(mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                 "newinstance,ptmxmode=0666,mode=0620,gid=5"));
    // On a tmpfs of our own, so that /run/appshot does not have to exist on the host.
    TRY(mount_at("appshot", world.root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
    if (::access("/run/appshot", F_OK) == 0) return make_info(world, "");
    return {};
  }
  for (const HostMount& mount : TRY(host_mounts())) {
    std::string target = mount.point == "/" ? world.root : world.root + mount.point;
    // A folder that came away since, or that this caller may not see, is simply not there.
    if (mount.point != "/" && ::access(target.c_str(), F_OK) != 0) continue;
    // What nobody can change on the host nobody can change inside; and not every file system can
    // lie under a layer: what cannot is seen as it is.
    if (mount.point == "/" || !mount.read_only) {
      Result<> layered = mount_layer(mount, world, target);
      if (layered) continue;
      if (mount.point == "/") return layered;
    }
    TRY(mount_at(mount.point.c_str(), target, nullptr, MS_BIND));
    TRY(mount_at(nullptr, target, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY));
  }
  TRY(make_kernel_views(world, world.root));
  TRY(make_dev(world, world.root + "/dev"));
  if (!world.share.net) TRY(bypass_local_resolver(world.root, world.info));
  TRY(hide(world));
  TRY(make_info(world, world.root));
  return move_into(world.root);
}

}  // namespace appshot
