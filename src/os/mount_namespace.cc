#include "os/mount_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"
#include "os/parallel.h"

namespace appshot {
namespace {

Result<uint64_t> ask_mount(int folder, const char* path, int flags) {
  struct statx info {};
  TRY_SYS(::statx(folder, path, flags, STATX_MNT_ID, &info));
  return info.stx_mnt_id;
}

}  // namespace

Result<> in_mount_namespace(const std::string& path, const std::function<Result<>()>& body) {
  UniqueFd there = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
  const pid_t caller = ::gettid();
  Alongside visit([&]() -> Result<> {
    if (::gettid() == caller)  // it could not come back
      return Error(ErrorClass::exhausted, "no thread to be had");
    TRY_SYS(::unshare(CLONE_FS));
    TRY_SYS(::setns(there.get(), CLONE_NEWNS));
    return body();
  });
  return visit.finish();
}

Result<MountNamespace> look_into_mount_namespace(const std::string& path) {
  // There the folder may be another's, or none.
  UniqueFd proc = TRY(open_file("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  MountNamespace space;
  TRY(in_mount_namespace(path, [&]() -> Result<> {
    space.root = TRY(open_file("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string text = TRY(read_file_at(proc.get(), "thread-self/mountinfo"));
    space.mounts = TRY(proc::parse_mountinfo(text));
    return {};
  }));
  return space;
}

Result<UniqueFd> open_uncovered(const std::string& path, const std::string& point) {
  UniqueFd mount;
  TRY(in_mount_namespace(path, [&]() -> Result<> {
    // What a copy of another owner's namespace has mounted cannot be taken apart.
    mount = UniqueFd(::open_tree(AT_FDCWD, point.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (mount) return {};
    // In a copy of the namespace it can be made one that may be bound.
    TRY_SYS(::unshare(CLONE_NEWNS));
    TRY_SYS(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    mount = UniqueFd(
        TRY_SYS(::open_tree(AT_FDCWD, point.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
    return {};
  }));
  return mount;
}

Result<> make_root(int mount) {
  TRY_SYS(::fchdir(mount));
  TRY_SYS(::syscall(SYS_pivot_root, ".", "."));
  TRY_SYS(::umount2(".", MNT_DETACH));
  TRY_SYS(::chdir("/"));
  return {};
}

Result<uint64_t> mount_of(const std::string& path) {
  return ask_mount(AT_FDCWD, path.c_str(), 0).within(path);
}

Result<uint64_t> mount_of(int fd) { return ask_mount(fd, "", AT_EMPTY_PATH); }

}  // namespace appshot
