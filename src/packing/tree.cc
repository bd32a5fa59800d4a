#include "packing/tree.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "os/in_root.h"
#include "packing/folder_times.h"
#include "packing/paths.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

constexpr char kAccessAcl[] = "system.posix_acl_access";
constexpr char kDefaultAcl[] = "system.posix_acl_default";
// chown takes this for "as it is".
constexpr uint32_t kNobodyAtAll = 0xffffffff;

Error failed(std::string_view call, const Entry& entry) {
  return Error::from_errno(errno, call).within("'" + shown(entry.path) + "'");
}

bool impossible_owner(const Entry& entry) {
  return entry.uid == kNobodyAtAll || entry.gid == kNobodyAtAll;
}

Error refuse_owner(const Entry& entry) {
  return Error(ErrorClass::corrupt, "'" + shown(entry.path) + "' belongs to an impossible owner");
}

mode_t type_of(Kind kind) {
  return kind == Kind::fifo ? S_IFIFO : kind == Kind::block ? S_IFBLK : S_IFCHR;
}

}  // namespace

// The root may have got a default list from where it lies.
Tree::Tree(UniqueFd root, Budget& budget)
    : root_(std::move(root)),
      budget_(budget),
      default_acls_(::fgetxattr(root_.get(), kDefaultAcl, nullptr, 0) >= 0) {}

Result<std::string> Tree::enter_parent(const std::string& path) {
  const std::string folder(folder_of(path));
  if (!parent_ || folder != parent_path_) {
    parent_.reset();
    parent_ = TRY(open_below(root_.get(), folder.empty() ? "." : folder, O_PATH | O_DIRECTORY));
    parent_path_ = folder;
  }
  TRY_SYS(::fchdir(parent_.get()));
  return path.empty() ? "." : std::string(name_of(path));
}

Result<> Tree::make(const Entry& entry, const Fill& fill) {
  if (impossible_owner(entry)) return refuse_owner(entry);
  TRY(budget_.take(entry));
  const std::string name = TRY(enter_parent(entry.path).within("'" + shown(entry.path) + "'"));
  if (entry.kind == Kind::hard_link) return link_here(name, entry);
  TRY(make_here(name, entry, fill));
  return attributes_here(name, entry);
}

Result<> Tree::make_here(const std::string& name, const Entry& entry, const Fill& fill) {
  switch (entry.kind) {
    case Kind::folder:
      if (::mkdir(name.c_str(), 0700) != 0) return failed("mkdir", entry);
      return {};
    case Kind::link:
      if (::symlink(entry.target.c_str(), name.c_str()) != 0) return failed("symlink", entry);
      return {};
    case Kind::fifo:
    case Kind::character:
    case Kind::block:
      if (::mknod(name.c_str(), type_of(entry.kind) | 0600, makedev(entry.major, entry.minor)) != 0)
        return failed("mknod", entry);
      return {};
    default:
      break;
  }
  const UniqueFd file(
      ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed("open", entry);
  if (fill) TRY(fill(file.get()).within("'" + shown(entry.path) + "'"));
  return {};
}

// To the file, device or symbolic link itself, wherever that may lead; never to a folder.
Result<> Tree::link_here(const std::string& name, const Entry& entry) {
  const std::string where =
      "the file that '" + shown(entry.path) + "' is a hard link to, '" + shown(entry.target) + "'";
  const std::string folder(folder_of(entry.target));
  const UniqueFd there = TRY(
      open_below(root_.get(), folder.empty() ? "." : folder, O_PATH | O_DIRECTORY).within(where));
  const std::string target(name_of(entry.target));
  if (::linkat(there.get(), target.c_str(), AT_FDCWD, name.c_str(), 0) != 0)
    return Error::from_errno(errno, "link").within(where);
  return {};
}

Result<> Tree::attributes_here(const std::string& name, const Entry& entry) {
  if (::lchown(name.c_str(), entry.uid, entry.gid) != 0) return failed("lchown", entry);
  // Of a symbolic link it means nothing, and would be followed.
  if (entry.kind != Kind::link && ::chmod(name.c_str(), entry.mode) != 0)
    return failed("chmod", entry);
  // What a folder's default list has given to what was made in it is not what the entry says.
  if (default_acls_ && entry.kind != Kind::link)
    for (const char* list : {kAccessAcl, kDefaultAcl})
      if (!entry.xattrs.contains(list) && ::lremovexattr(name.c_str(), list) != 0 &&
          errno != ENODATA && errno != EOPNOTSUPP)
        return failed("lremovexattr", entry);
  for (const auto& [key, value] : entry.xattrs)
    if (::lsetxattr(name.c_str(), key.c_str(), value.data(), value.size(), 0) != 0)
      return failed("lsetxattr " + shown(key), entry);
  default_acls_ |= entry.xattrs.contains(kDefaultAcl);
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                             {.tv_sec = entry.mtime.s, .tv_nsec = entry.mtime.ns}};
  if (::utimensat(AT_FDCWD, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return failed("utimensat", entry);
  if (entry.kind != Kind::folder) return {};
  // What comes into it changes that again.
  struct stat info {};
  if (::lstat(name.c_str(), &info) != 0) return failed("lstat", entry);
  folder_times_[info.st_ino] = entry.mtime;
  return {};
}

Result<> Tree::set_attributes(const Entry& entry) {
  if (impossible_owner(entry)) return refuse_owner(entry);
  TRY(budget_.take(entry));
  const std::string name = TRY(enter_parent(entry.path).within("'" + shown(entry.path) + "'"));
  // What an earlier entry has said of it is no longer so.
  for (const auto& [key, value] : TRY(xattrs_at(name)))
    if (is_portable_xattr(key) && ::lremovexattr(name.c_str(), key.c_str()) != 0)
      return failed("lremovexattr " + shown(key), entry);
  return attributes_here(name, entry);
}

Result<> Tree::mark_opaque(const std::string& path) {
  const std::string name = TRY(enter_parent(path).within("'" + shown(path) + "'"));
  if (::lsetxattr(name.c_str(), kOpaque, "y", 1, 0) != 0)
    return Error::from_errno(errno, "lsetxattr").within("'" + shown(path) + "'");
  return {};
}

Result<std::optional<struct stat>> Tree::look(const std::string& path) {
  const std::string name = TRY(enter_parent(path).within("'" + shown(path) + "'"));
  struct stat info {};
  if (::lstat(name.c_str(), &info) == 0) return std::optional(info);
  if (errno == ENOENT) return std::optional<struct stat>();
  return Error::from_errno(errno, "lstat").within("'" + shown(path) + "'");
}

Result<bool> Tree::is_as_told(const Entry& entry) {
  const std::string name = TRY(enter_parent(entry.path).within("'" + shown(entry.path) + "'"));
  struct stat info {};
  if (::lstat(name.c_str(), &info) != 0) return failed("lstat", entry);
  return (info.st_mode & 07777) == entry.mode && info.st_uid == entry.uid &&
         info.st_gid == entry.gid && info.st_mtim.tv_sec == entry.mtime.s &&
         info.st_mtim.tv_nsec == entry.mtime.ns &&
         (entry.xattrs.empty() || std::ranges::includes(TRY(xattrs_at(name)), entry.xattrs));
}

Result<std::vector<std::string>> Tree::names_in(const std::string& folder) {
  const UniqueFd opened = TRY(open_below(root_.get(), folder, O_RDONLY | O_DIRECTORY));
  return list_folder_at(opened.get(), ".");
}

Result<std::map<std::string, std::string>> Tree::xattrs_of_folder(const std::string& path) {
  const std::string name = TRY(enter_parent(path).within("'" + shown(path) + "'"));
  return xattrs_at(name).within("'" + shown(path) + "'");
}

Time Tree::time_of_folder(const struct stat& info) const {
  const auto made = folder_times_.find(info.st_ino);
  if (made != folder_times_.end()) return made->second;
  return {info.st_mtim.tv_sec, static_cast<uint32_t>(info.st_mtim.tv_nsec)};
}

Result<> Tree::remove(const std::string& path) {
  const std::string name = TRY(enter_parent(path).within("'" + shown(path) + "'"));
  TRY(remove_tree(name));
  // It may have been what is remembered, or above it.
  parent_.reset();
  return {};
}

Result<> Tree::finish() {
  TRY(set_folder_times(root_.get(), folder_times_));
  TRY_SYS(::syncfs(root_.get()));
  return {};
}

Result<> write_content(int fd, const Entry& entry, Source& content) {
  std::vector<Extent> whole{{0, entry.size}};
  // Says at once if the file is larger than files may be here.
  if (entry.extents) TRY_SYS(::ftruncate(fd, static_cast<off_t>(entry.size)));
  std::vector<char> buffer(std::min<uint64_t>(kPieceBytes, bytes_of(entry)));
  for (const Extent& extent : entry.extents ? *entry.extents : whole) {
    for (uint64_t done = 0; done < extent.length;) {
      const size_t want = std::min<uint64_t>(buffer.size(), extent.length - done);
      const size_t got = TRY(content.read(std::span(buffer).first(want)));
      if (got == 0) return Error(ErrorClass::corrupt, "its content ends early");
      TRY(write_all_at(fd, std::span(buffer).first(got), extent.offset + done));
      done += got;
    }
  }
  return {};
}

}  // namespace appshot::packing
