#include "packing/tar_writer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "packing/paths.h"
#include "packing/pax_time.h"
#include "packing/tar_words.h"
#include "tar/header.h"

namespace appshot::packing {
namespace {

constexpr size_t kHeaderBytesMax = 16 << 20;  // what the reader takes

char type_of(Kind kind) {
  switch (kind) {
    case Kind::hard_link:
      return '1';
    case Kind::link:
      return '2';
    case Kind::character:
      return '3';
    case Kind::block:
      return '4';
    case Kind::folder:
      return '5';
    case Kind::fifo:
      return '6';
    default:
      return '0';
  }
}

std::string name_of_entry(const Entry& entry) {
  if (entry.path.empty()) return "./";
  return entry.kind == Kind::folder ? entry.path + "/" : entry.path;
}

// The numbers before the content of a sparse file.
std::string extents_text(const Entry& entry) {
  std::vector<Extent> extents = *entry.extents;
  // A hole at the end is told by an empty extent, which other programs look for.
  if (extents.empty() || extents.back().offset + extents.back().length < entry.size)
    extents.push_back({entry.size, 0});
  std::string text = std::to_string(extents.size()) + "\n";
  for (const Extent& extent : extents) {
    text += std::to_string(extent.offset) + "\n";
    text += std::to_string(extent.length) + "\n";
  }
  return text + std::string(tar::padding_of(text.size()), '\0');
}

// Fields of the old header where they can tell it, records where they cannot.
Result<> fill(tar::Header& header, tar::PaxRecords& records, const Entry& entry, uint64_t size) {
  const std::string name = name_of_entry(entry);
  if (!tar::put_text(header.name, name) && !entry.extents) records["path"] = name;
  if (!tar::put_text(header.link, entry.target)) records["linkpath"] = entry.target;
  tar::put_number(header.mode, entry.mode);
  if (!tar::put_number(header.uid, entry.uid)) records["uid"] = std::to_string(entry.uid);
  if (!tar::put_number(header.gid, entry.gid)) records["gid"] = std::to_string(entry.gid);
  if (!tar::put_number(header.size, size)) records["size"] = std::to_string(size);
  // More than any kernel has of them; there is no record that could tell.
  if (!tar::put_number(header.device_major, entry.major) ||
      !tar::put_number(header.device_minor, entry.minor))
    return Error(ErrorClass::refused,
                 "'" + shown(entry.path) + "' is a device of an impossible number");
  const bool plain = entry.mtime.s >= 0 && entry.mtime.ns == 0;
  if (!plain || !tar::put_number(header.mtime, static_cast<uint64_t>(entry.mtime.s))) {
    tar::put_number(header.mtime, 0);
    records["mtime"] = pax_time(entry.mtime);
  }
  if (entry.extents) {
    records[kSparseMajor] = "1";
    records[kSparseMinor] = "0";
    records[kSparseName] = name;
    records[kSparseSize] = std::to_string(entry.size);
  }
  for (const auto& [key, value] : entry.xattrs) {
    if (key.find('=') != std::string::npos)
      return Error(ErrorClass::refused, "'" + shown(entry.path) + "' has the extended attribute '" +
                                            shown(key) + "', whose name no archive can hold");
    records[std::string(kXattrRecord) + key] = value;
  }
  return {};
}

}  // namespace

Result<> TarWriter::begin_entry(const Entry& entry) {
  CHECK(left_ == 0 && padding_ == 0);
  const std::string list = entry.extents ? extents_text(entry) : "";
  if (entry.extents && entry.extents->size() >= kExtentsMax)
    return Error(ErrorClass::refused, "'" + shown(entry.path) + "' has too many holes");
  left_ = entry.kind == Kind::file ? bytes_of(entry) : 0;
  padding_ = tar::padding_of(left_);
  tar::PaxRecords records;
  tar::Header header = tar::new_header(type_of(entry.kind), 0);
  TRY(fill(header, records, entry, list.size() + left_));
  std::string text = tar::pax_text(records);
  if (text.size() > kHeaderBytesMax)
    return Error(ErrorClass::refused,
                 "'" + shown(entry.path) + "' has more extended attributes than an archive holds");
  std::string bytes;
  if (!text.empty()) {
    tar::Header before = tar::new_header(tar::kPaxType, text.size());
    tar::put_text(before.name, tar::kPaxName);
    bytes = tar::sealed(before) + text + std::string(tar::padding_of(text.size()), '\0');
  }
  bytes += tar::sealed(header) + list;
  return to_.write(bytes);
}

Result<> TarWriter::content(std::span<const char> bytes) {
  CHECK(bytes.size() <= left_);
  left_ -= bytes.size();
  return to_.write(bytes);
}

Result<> TarWriter::end_entry() {
  CHECK(left_ == 0);
  const std::string zeros(padding_, '\0');
  padding_ = 0;
  return to_.write(zeros);
}

Result<> TarWriter::end_archive() { return to_.write(tar::end_of_archive()); }

}  // namespace appshot::packing
