#include "os/in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot {
namespace {

constexpr int kTries = 100;  // of one that is renamed meanwhile

// Without the name at its end: "/a/b" of "/a/b/c".
std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

Result<UniqueFd> open_as(int root, const std::string& path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | resolve;
  for (int i = 0;; ++i) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if ((errno != EAGAIN && errno != EINTR) || i == kTries)
      return Error::from_errno(errno, "open " + path);
  }
}

}  // namespace

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags) {
  return open_as(root, path, flags, RESOLVE_NO_MAGICLINKS);
}

Result<UniqueFd> open_below(int root, const std::string& path, int flags) {
  return open_as(root, path, flags | O_NOFOLLOW, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

Result<UniqueFd> make_place_in_root(int root, const std::string& path, PlaceKind kind) {
  Result<UniqueFd> there = open_in_root(root, path, O_PATH);
  if (there || there.error().err() != ENOENT || path == "/") return there;
  const UniqueFd parent = TRY(make_place_in_root(root, parent_of(path), PlaceKind::folder));
  const std::string name = path.substr(path.find_last_of('/') + 1);
  const int made = kind == PlaceKind::folder
                       ? ::mkdirat(parent.get(), name.c_str(), 0755)
                       : ::mknodat(parent.get(), name.c_str(), S_IFREG | 0644, 0);
  // A link that leads nowhere stands there.
  if (made != 0) return Error::from_errno(errno, "make " + path);
  return open_at(parent.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

Result<bool> folder_lies_in(int folder, int other) {
  struct stat sought {};
  TRY_SYS(::fstat(other, &sought));
  UniqueFd here = TRY(open_at(folder, ".", O_PATH | O_DIRECTORY));
  for (struct stat last{};;) {
    struct stat info {};
    TRY_SYS(::fstat(here.get(), &info));
    if (info.st_dev == sought.st_dev && info.st_ino == sought.st_ino) return true;
    if (info.st_dev == last.st_dev && info.st_ino == last.st_ino) return false;  // the root
    last = info;
    here = TRY(open_at(here.get(), "..", O_PATH | O_DIRECTORY));
  }
}

}  // namespace appshot
