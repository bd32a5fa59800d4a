#include "packing/tar_writer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "packing/paths.h"
#include "packing/tar_blocks.h"
#include "packing/tar_words.h"

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

template <size_t kBytes>
bool put_text(char (&field)[kBytes], std::string_view text) {
  std::memcpy(field, text.data(), std::min(text.size(), kBytes));
  return text.size() <= kBytes;
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
  return text + std::string(padding_of(text.size()), '\0');
}

std::string sealed(TarHeader& header) {
  char digits[7];
  put_number(digits, checksum_of(header));
  std::memcpy(header.checksum, digits, 6);
  header.checksum[6] = '\0';
  header.checksum[7] = ' ';
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

TarHeader header_of(char type, uint64_t size) {
  TarHeader header{};
  header.type = type;
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  put_number(header.mode, 0);
  put_number(header.uid, 0);
  put_number(header.gid, 0);
  put_number(header.size, size);
  put_number(header.mtime, 0);
  put_number(header.device_major, 0);
  put_number(header.device_minor, 0);
  return header;
}

// Fields of the old header where they can tell it, records where they cannot.
Result<> fill(TarHeader& header, PaxRecords& records, const Entry& entry, uint64_t size) {
  const std::string name = name_of_entry(entry);
  if (!put_text(header.name, name) && !entry.extents) records["path"] = name;
  if (!put_text(header.link, entry.target)) records["linkpath"] = entry.target;
  put_number(header.mode, entry.mode);
  if (!put_number(header.uid, entry.uid)) records["uid"] = std::to_string(entry.uid);
  if (!put_number(header.gid, entry.gid)) records["gid"] = std::to_string(entry.gid);
  if (!put_number(header.size, size)) records["size"] = std::to_string(size);
  put_number(header.device_major, entry.major);
  put_number(header.device_minor, entry.minor);
  const bool plain = entry.mtime.s >= 0 && entry.mtime.ns == 0;
  if (!plain || !put_number(header.mtime, static_cast<uint64_t>(entry.mtime.s))) {
    put_number(header.mtime, 0);
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
  padding_ = padding_of(left_);
  PaxRecords records;
  TarHeader header = header_of(type_of(entry.kind), 0);
  TRY(fill(header, records, entry, list.size() + left_));
  std::string text = pax_text(records);
  if (text.size() > kHeaderBytesMax)
    return Error(ErrorClass::refused,
                 "'" + shown(entry.path) + "' has more extended attributes than an archive holds");
  std::string bytes;
  if (!text.empty()) {
    TarHeader before = header_of('x', text.size());
    put_text(before.name, "pax-header");
    bytes = sealed(before) + text + std::string(padding_of(text.size()), '\0');
  }
  bytes += sealed(header) + list;
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

Result<> TarWriter::end_archive() { return to_.write(std::string(2 * kBlock, '\0')); }

}  // namespace appshot::packing
