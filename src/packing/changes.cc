// appshot-packer changes LAYER-DIR… [--below FOLDER]: what the last of the layers changes of what
// the others show. A line of JSON each, and their number at the end.
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "isolation/host_mounts.h"
#include "os/file.h"
#include "packing/commands.h"
#include "packing/contents.h"
#include "packing/layer.h"
#include "packing/lower_layers.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"

namespace appshot::packing {
namespace {

const char* name_of_kind(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "folder";
    case S_IFLNK:
      return "link";
    case S_IFIFO:
      return "fifo";
    case S_IFCHR:
    case S_IFBLK:
      return "device";
    case S_IFSOCK:
      return "socket";
    default:
      return "file";
  }
}

mode_t type_of(Kind kind) {
  switch (kind) {
    case Kind::folder:
      return S_IFDIR;
    case Kind::link:
      return S_IFLNK;
    case Kind::fifo:
      return S_IFIFO;
    case Kind::character:
      return S_IFCHR;
    case Kind::block:
      return S_IFBLK;
    default:
      return S_IFREG;
  }
}

// overlayfs' marks are no attributes that anybody sees.
std::map<std::string, std::string> visible(std::map<std::string, std::string> xattrs) {
  std::erase_if(xattrs, [](const auto& xattr) { return xattr.first.starts_with(kOverlayMarks); });
  return xattrs;
}

bool same_attributes(const Entry& entry, const LowerFile& lower) {
  const bool mode_counts = entry.kind != Kind::link;
  return (!mode_counts || entry.mode == (lower.info.st_mode & 07777)) &&
         entry.uid == lower.info.st_uid && entry.gid == lower.info.st_gid &&
         visible(entry.xattrs) == visible(lower.xattrs);
}

bool same_time(const Entry& entry, const LowerFile& lower) {
  return entry.mtime.s == lower.info.st_mtim.tv_sec && entry.mtime.ns == lower.info.st_mtim.tv_nsec;
}

// Both are files of one size.
Result<bool> same_content(int content, const Entry& entry, const LowerFile& lower) {
  const UniqueFd other =
      TRY(open_at(lower.folder.get(), lower.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  std::vector<char> ours(kPieceBytes), theirs(kPieceBytes);
  for (uint64_t offset = 0; offset < entry.size;) {
    const ssize_t got = TRY_SYS(::pread(content, ours.data(), ours.size(), offset));
    if (got == 0) return false;
    for (ssize_t have = 0; have < got;) {
      const ssize_t more = TRY_SYS(::pread(other.get(), theirs.data() + have,
                                           static_cast<size_t>(got - have), offset + have));
      if (more == 0) return false;
      have += more;
    }
    if (!std::equal(ours.begin(), ours.begin() + got, theirs.begin())) return false;
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

// An overlay keeps what was opened for writing, written or not; so what is the same is no change.
Result<const char*> compare_with(const Entry& entry, int content, const LowerFile& lower) {
  if (type_of(entry.kind) != (lower.info.st_mode & S_IFMT)) return "changed";
  if (entry.kind == Kind::folder && is_opaque(entry)) return "replaced folder";
  bool same = true;
  if (entry.kind == Kind::file)
    same = entry.size == static_cast<uint64_t>(lower.info.st_size) &&
           (same_time(entry, lower) || TRY(same_content(content, entry, lower)));
  if (entry.kind == Kind::link)
    same = entry.target == TRY(read_link_at(lower.folder.get(), lower.name));
  if (entry.kind == Kind::character || entry.kind == Kind::block)
    same = makedev(entry.major, entry.minor) == lower.info.st_rdev;
  if (!same) return "changed";
  // Times of folders change with what is in them, which is told by itself.
  const bool time = entry.kind == Kind::folder || same_time(entry, lower);
  return same_attributes(entry, lower) && time ? nullptr : "attributes";
}

class Changes {
 public:
  Changes(const LowerLayers& lower, Report& report) : lower_(lower), report_(report) {}

  Result<> take(const Entry& entry, int content) {
    const std::string mount(entry.path.substr(0, entry.path.find('/')));
    const std::string path =
        entry.path.size() == mount.size() ? "" : entry.path.substr(mount.size() + 1);
    const std::optional<LowerFile> below = TRY(lower_.find(mount, path));
    if (is_whiteout(entry)) {
      if (!below) return {};
      return tell(mount, path, "removed", below->info.st_mode, 0);
    }
    const char* what = "added";
    // Whose first name is in the layer itself is looked at there; another name is new, or was one.
    if (below)
      what = entry.kind == Kind::hard_link ? "changed" : TRY(compare_with(entry, content, *below));
    if (what == nullptr) return {};
    return tell(mount, path, what, type_of(entry.kind), entry.kind == Kind::file ? entry.size : 0);
  }

  uint64_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }

 private:
  Result<> tell(const std::string& mount, const std::string& path, const char* what, mode_t type,
                uint64_t bytes) {
    count_ += 1;
    bytes_ += bytes;
    std::string full = layer_mount_point(mount);
    if (!path.empty()) full += (full == "/" ? "" : "/") + path;
    return report_.line(
        {{"change",
          {{"path", full}, {"what", what}, {"kind", name_of_kind(type)}, {"bytes", bytes}}}});
  }

  const LowerLayers& lower_;
  Report& report_;
  uint64_t count_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<Json> list_changes(const Arguments& arguments, Report& report) {
  const std::vector<std::string> lower_layers(arguments.words.begin(), arguments.words.end() - 1);
  const LowerLayers lower = TRY(LowerLayers::open(lower_layers, arguments.value("--below")));
  Changes changes(lower, report);
  TRY(visit_layer(arguments.words.back(),
                  [&](const Entry& entry, int content) { return changes.take(entry, content); }));
  return Json{{"count", changes.count()}, {"bytes", changes.bytes()}};
}

}  // namespace appshot::packing
