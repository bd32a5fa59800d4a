#include "packing/walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "packing/paths.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

constexpr unsigned kWanted = STATX_BASIC_STATS | STATX_MNT_ID;

Kind kind_of(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return Kind::folder;
    case S_IFLNK:
      return Kind::link;
    case S_IFIFO:
      return Kind::fifo;
    case S_IFCHR:
      return Kind::character;
    case S_IFBLK:
      return Kind::block;
    case S_IFSOCK:
      return Kind::socket;
    default:
      return Kind::file;
  }
}

Result<struct statx> ask(int folder, const char* name, const std::string& path) {
  struct statx info {};
  if (::statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, kWanted, &info) != 0)
    return Error::from_errno(errno, "statx '" + shown(path) + "'");
  return info;
}

Result<Entry> entry_from(const struct statx& info, int folder, const std::string& name,
                         const std::string& path) {
  Entry entry;
  entry.path = path;
  entry.kind = kind_of(info.stx_mode);
  entry.mode = info.stx_mode & 07777;
  entry.uid = info.stx_uid;
  entry.gid = info.stx_gid;
  entry.mtime = {info.stx_mtime.tv_sec, info.stx_mtime.tv_nsec};
  if (entry.kind == Kind::file) entry.size = info.stx_size;
  if (entry.kind == Kind::link) entry.target = TRY(read_link_at(folder, name));
  if (entry.kind == Kind::character || entry.kind == Kind::block) {
    entry.major = info.stx_rdev_major;
    entry.minor = info.stx_rdev_minor;
  }
  TRY_SYS(::fchdir(folder));
  entry.xattrs = TRY(xattrs_at(name));
  return entry;
}

// What else there is to tell of a file is told once.
Entry another_name(const Entry& entry, const std::string& first) {
  Entry name;
  name.path = entry.path;
  name.kind = Kind::hard_link;
  name.target = first;
  name.mode = entry.mode;
  name.uid = entry.uid;
  name.gid = entry.gid;
  name.mtime = entry.mtime;
  return name;
}

}  // namespace

Result<UniqueFd> Place::open() const {
  // A FIFO in its place would be waited for.
  UniqueFd file = TRY(open_at(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  TRY_SYS(::fstat(file.get(), &info));
  if (info.st_ino != inode || !S_ISREG(info.st_mode))
    return Error(ErrorClass::conflict, "it was replaced while it was read");
  return file;
}

Result<> Walk::visit_tree(int folder, const std::string& path) {
  const UniqueFd before = TRY(open_file(".", O_PATH | O_DIRECTORY));
  Result<> visited = visit_root(folder, path);
  // Paths that the caller was given may begin there.
  TRY_SYS(::fchdir(before.get()));
  return visited;
}

Result<> Walk::visit_root(int folder, const std::string& path) {
  const struct statx info = TRY(ask(folder, "", path));
  mount_ = info.stx_mnt_id;
  Entry entry = TRY(entry_from(info, folder, ".", path).within("'" + shown(path) + "'"));
  TRY(visit_(entry, Place{folder, ".", info.stx_ino}));
  return visit_folder(folder, path, 1);
}

Result<> Walk::visit_folder(int folder, const std::string& path, size_t depth) {
  std::vector<std::string> names = TRY(list_folder_at(folder, ".").within("'" + shown(path) + "'"));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string below = path.empty() ? name : path + "/" + name;
    if (depth > kPathDepthMax || below.size() > kPathBytesMax)
      return Error(ErrorClass::refused, "'" + shown(below) + "' is deeper than a path can tell");
    TRY(visit_entry(folder, name, below, depth));
  }
  return {};
}

Result<> Walk::visit_entry(int folder, const std::string& name, const std::string& path,
                           size_t depth) {
  const struct statx info = TRY(ask(folder, name.c_str(), path));
  const Kind kind = kind_of(info.stx_mode);
  if (kind == Kind::socket) {
    sockets_ += 1;
    return {};
  }
  const bool mounted = info.stx_mnt_id != mount_;
  if (mounted) mounts_.push_back(path);
  // Of a mounted folder the place is kept; of a mounted file there would be nothing to keep.
  if (mounted && kind != Kind::folder) return {};
  Entry entry = TRY(entry_from(info, folder, name, path).within("'" + shown(path) + "'"));
  // overlayfs makes its whiteouts hard links of one another; each is one for itself.
  if (info.stx_nlink > 1 && kind != Kind::folder && !is_whiteout(entry)) {
    const std::pair<uint64_t, uint64_t> inode{makedev(info.stx_dev_major, info.stx_dev_minor),
                                              info.stx_ino};
    auto [first, is_first] = linked_.try_emplace(inode, path);
    if (!is_first) entry = another_name(entry, first->second);
  }
  TRY(visit_(entry, Place{folder, name, info.stx_ino}));
  if (kind != Kind::folder || mounted) return {};
  const UniqueFd below = TRY(
      open_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).within("'" + shown(path) + "'"));
  return visit_folder(below.get(), path, depth + 1);
}

}  // namespace appshot::packing
