#include "packing/budget.h"

#include <sys/statvfs.h>

#include "packing/paths.h"

namespace appshot::packing {
namespace {

constexpr uint64_t kDiskBlock = 4096;
constexpr uint64_t kInodeBytes = 512;

uint64_t in_blocks(uint64_t bytes) { return (bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock; }

uint64_t room_of(const Entry& entry) {
  uint64_t room = kInodeBytes;
  if (entry.kind == Kind::folder) room += kDiskBlock;
  if (entry.kind == Kind::link) room += entry.target.size();
  for (const auto& [name, value] : entry.xattrs) room += name.size() + value.size();
  if (entry.kind != Kind::file) return room;
  if (!entry.extents) return room + in_blocks(entry.size);
  for (const Extent& extent : *entry.extents) room += in_blocks(extent.length);
  return room;
}

Error passed(const Entry& entry, const std::string& limit) {
  return Error(ErrorClass::exhausted, "'" + shown(entry.path) + "' passes the limit of " + limit);
}

Error passed_entries(const Entry& entry, uint64_t entries_max) {
  return passed(entry, std::to_string(entries_max) + " files and folders");
}

}  // namespace

Result<> Budget::see(const Entry& entry) {
  return ++seen_ > entries_max_ ? passed_entries(entry, entries_max_) : Result<>();
}

Result<> Budget::take(const Entry& entry) {
  if (++entries_ > entries_max_) return passed_entries(entry, entries_max_);
  const uint64_t room = room_of(entry);
  if (room > bytes_max_ - bytes_)
    return passed(entry, std::to_string(bytes_max_) + " bytes")
        .hint("make room on the disk, or allow more (--max-bytes)");
  bytes_ += room;
  return {};
}

Result<uint64_t> bytes_free_at(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return Error::from_errno(errno, "statvfs " + folder);
  const uint64_t free = uint64_t{info.f_bavail} * info.f_frsize;
  return free - free / 20;
}

}  // namespace appshot::packing
