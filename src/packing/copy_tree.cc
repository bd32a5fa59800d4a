// appshot-packer copy-tree FROM TARGET: a root file system becomes the lowest layer, TARGET/root.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/decimal.h"
#include "isolation/own_users.h"
#include "os/file.h"
#include "os/in_root.h"
#include "packing/commands.h"
#include "packing/contents.h"
#include "packing/jail.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"
#include "packing/tree.h"
#include "packing/walk.h"

namespace appshot::packing {
namespace {

const std::string kRoot = "root";
constexpr uint64_t kPieceMax = 64 << 20;  // between two looks at the progress

// As the file system tells: what is no hole there is copied, whatever it holds.
Result<std::vector<Extent>> data_in(int fd, uint64_t size) {
  std::vector<Extent> extents;
  for (uint64_t offset = 0; offset < size;) {
    const off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data < 0 && errno == EINVAL) return std::vector<Extent>{{0, size}};
    if (data < 0) return Error::from_errno(errno, "lseek");
    const uint64_t begin = static_cast<uint64_t>(data);
    if (begin >= size) break;
    const off_t hole = TRY_SYS(::lseek(fd, data, SEEK_HOLE));
    offset = std::min<uint64_t>(static_cast<uint64_t>(hole), size);
    extents.push_back({begin, offset - begin});
  }
  return extents;
}

// False: these two file systems cannot do it, and nothing was copied.
Result<bool> copy_in_kernel(int from, int to, const Extent& extent, Report& report) {
  uint64_t done = 0;
  while (done < extent.length) {
    off64_t at = static_cast<off64_t>(extent.offset + done), there = at;
    const ssize_t got =
        ::copy_file_range(from, &at, to, &there, std::min(kPieceMax, extent.length - done), 0);
    if (got < 0 && errno == EINTR) continue;
    const bool never = errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
                       errno == ENOSYS || errno == EPERM;
    if (got < 0 && done == 0 && never) return false;
    if (got < 0) return Error::from_errno(errno, "copy_file_range");
    // Files of some kinds are said to have nothing to copy; reading tells whether that is so.
    if (got == 0 && done == 0) return false;
    if (got == 0) return Error(ErrorClass::conflict, "it was cut while it was copied");
    done += static_cast<uint64_t>(got);
    report.moved(static_cast<uint64_t>(got));
  }
  return true;
}

Result<> copy_content(int from, int to, const Entry& entry, Report& report) {
  if (::ioctl(to, FICLONE, from) == 0) {  // shares the blocks, where the file system can
    report.moved(bytes_of(entry));
    return {};
  }
  TRY_SYS(::ftruncate(to, static_cast<off_t>(entry.size)));
  for (const Extent& extent : *entry.extents) {
    if (TRY(copy_in_kernel(from, to, extent, report))) continue;
    Entry one = entry;
    one.extents = {{extent}};
    uint64_t at = extent.offset;
    TRY(read_content(from, one, [&](std::span<const char> bytes) -> Result<> {
      TRY(write_all_at(to, bytes, at));
      at += bytes.size();
      report.moved(bytes.size());
      return {};
    }));
  }
  return {};
}

class TreeCopy {
 public:
  TreeCopy(Tree& tree, Report& report) : tree_(tree), report_(report) {}

  Result<> copy(Entry& entry, const Place& place) {
    if (is_whiteout(entry))
      return Error(ErrorClass::refused, "'" + shown(entry.path) + "' is a whiteout of an overlay")
          .hint("copy from where the overlay is mounted");
    TRY(keep_only_marks_of_layers(entry));
    entry.xattrs.erase(kOpaque);  // there is nothing below to show through
    if (entry.kind != Kind::file) return tree_.make(entry);
    const std::string where = "'" + shown(entry.path) + "'";
    const UniqueFd from = TRY(place.open().within(where));
    entry.extents = TRY(data_in(from.get(), entry.size).within(where));
    bytes_ += bytes_of(entry);
    return tree_.make(entry, [&](int to) { return copy_content(from.get(), to, entry, report_); });
  }
  uint64_t bytes() const { return bytes_; }

 private:
  Tree& tree_;
  Report& report_;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<Json> copy_tree(const Arguments& arguments, Report& report) {
  const std::string& from = arguments.words[0];
  const std::string& target = arguments.words[1];
  if (const std::optional<uint64_t> root = parse_decimal(arguments.value("--root", "0")))
    make_as_root_inside(static_cast<uint32_t>(*root));
  else
    return Error(ErrorClass::usage, "--root takes a user's number");
  const UniqueFd source = TRY(open_file(from, O_RDONLY | O_DIRECTORY));
  TRY(make_target(target));
  if (TRY(folder_lies_in(TRY(open_file(target, O_PATH | O_DIRECTORY)).get(), source.get())))
    return Error(ErrorClass::usage,
                 target + " lies in " + from + ", and would be copied into itself");
  const Limits limits = TRY(limits_of(arguments, target));
  report.begin("copy", 0);
  UniqueFd root = TRY(enter_jail(target));

  Budget budget(limits.bytes, limits.entries);
  Tree tree(std::move(root), budget);
  TreeCopy copy(tree, report);
  Walk walk([&](Entry& entry, const Place& place) { return copy.copy(entry, place); });
  TRY(walk.visit_tree(source.get(), kRoot).within("copying " + from));
  TRY(tree.finish());
  Json mounts = Json::array();
  for (const std::string& path : walk.mounts()) mounts.push_back(path.substr(kRoot.size()));
  return Json{{"bytes", copy.bytes()},
              {"entries", budget.entries()},
              {"sockets_skipped", walk.sockets()},
              {"mounts_not_entered", mounts}};
}

}  // namespace appshot::packing
