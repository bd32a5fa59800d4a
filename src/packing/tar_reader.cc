#include "packing/tar_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/decimal.h"
#include "packing/paths.h"
#include "packing/pax_time.h"
#include "packing/tar_words.h"

namespace appshot::packing {
namespace {

constexpr uint64_t kHeaderBytesMax = 16 << 20;

Error damaged(const std::string& what) { return Error(ErrorClass::corrupt, what); }
Error ends_early() { return damaged("the archive ends early"); }

bool all_zero(const tar::Header& header) {
  const char* bytes = reinterpret_cast<const char*>(&header);
  return std::all_of(bytes, bytes + sizeof header, [](char c) { return c == 0; });
}

std::optional<Kind> kind_of(char type) {
  switch (type) {
    case '0':
    case '\0':
    case '7':  // once: contiguous on the disk
      return Kind::file;
    case '1':
      return Kind::hard_link;
    case '2':
      return Kind::link;
    case '3':
      return Kind::character;
    case '4':
      return Kind::block;
    case '5':
      return Kind::folder;
    case '6':
      return Kind::fifo;
    default:
      return {};
  }
}

std::string name_in(const tar::Header& header) {
  std::string name(tar::text_in(header.name));
  // GNU's own format has other things where the prefix would be.
  const bool ustar = std::memcmp(header.magic, "ustar", 6) == 0;
  if (ustar && header.prefix[0] != '\0')
    name = std::string(tar::text_in(header.prefix)) + "/" + name;
  return name;
}

// A number of the header, unless a record says another.
template <typename T>
Result<> take_number(T& into, std::span<const char> field, const tar::PaxRecords& records,
                     const char* key) {
  std::optional<int64_t> value = tar::number_in(field);
  if (auto record = records.find(key); record != records.end()) {
    const std::optional<uint64_t> told = parse_decimal(record->second);
    value = told && *told <= INT64_MAX ? std::optional(static_cast<int64_t>(*told)) : std::nullopt;
  }
  if (!value || *value < 0 || static_cast<uint64_t>(*value) > std::numeric_limits<T>::max())
    return damaged("its " + std::string(key) + " is no such number");
  into = static_cast<T>(*value);
  return {};
}

}  // namespace

Result<size_t> TarReader::read(std::span<char> into) {
  if (left_ == 0 || into.empty()) return size_t{0};
  const size_t got = TRY(from_.read(into.first(std::min<uint64_t>(into.size(), left_))));
  if (got == 0) return ends_early();
  left_ -= got;
  return got;
}

// False at the end of the archive. One block of zeros alone is as good as two.
Result<bool> TarReader::read_header(tar::Header& header) {
  std::span<char> bytes(reinterpret_cast<char*>(&header), sizeof header);
  const size_t got = TRY(read_full(from_, bytes));
  if (got == 0) return false;
  if (got < bytes.size()) return ends_early();
  if (all_zero(header)) {
    marked_end_ = TRY(read_full(from_, bytes)) == bytes.size() && all_zero(header);
    return false;
  }
  const std::optional<int64_t> checksum = tar::number_in(header.checksum);
  if (!checksum || static_cast<uint64_t>(*checksum) != tar::checksum_of(header))
    return damaged("no tar archive, or a damaged one: the checksum of a header is wrong");
  return true;
}

Result<std::string> TarReader::read_text(const tar::Header& header, Ahead& ahead) {
  const std::optional<int64_t> size = tar::number_in(header.size);
  if (!size || *size < 0) return damaged("the size of a header is no number");
  // However many there are of them: otherwise a small archive would be read for ever.
  if (static_cast<uint64_t>(*size) > kHeaderBytesMax - ahead.bytes)
    return Error(ErrorClass::exhausted, "the headers of an entry have more than 16 MiB");
  ahead.bytes +=
      std::min(kHeaderBytesMax - ahead.bytes, static_cast<uint64_t>(*size) + tar::kBlock);
  std::string text(static_cast<size_t>(*size), '\0');
  if (TRY(read_full(from_, text)) < text.size()) return ends_early();
  char filler[tar::kBlock];
  const uint64_t padding = tar::padding_of(text.size());
  if (TRY(read_full(from_, std::span(filler).first(padding))) < padding) return ends_early();
  return text;
}

Result<bool> TarReader::take_ahead(const tar::Header& header, Ahead& ahead) {
  if (header.type == tar::kPaxType) {
    ahead.records = TRY(tar::parse_pax(TRY(read_text(header, ahead))));
    // A record without a value takes back what one said for all entries, which none does here.
    std::erase_if(ahead.records, [](const auto& record) {
      return record.second.empty() && !record.first.starts_with(kXattrRecord);
    });
    return true;
  }
  if (header.type == 'g') {
    // Comments of those who made it. What would change every entry from there on is not understood.
    for (const auto& [key, value] : TRY(tar::parse_pax(TRY(read_text(header, ahead)))))
      if (changes_entries(key))
        return Error(ErrorClass::unsupported, "a global header sets '" + shown(key) + "'");
    return true;
  }
  if (header.type == 'L' || header.type == 'K') {
    std::string text = TRY(read_text(header, ahead));
    text.resize(::strnlen(text.data(), text.size()));
    (header.type == 'L' ? ahead.name : ahead.link) = std::move(text);
    return true;
  }
  return false;
}

Result<std::optional<Entry>> TarReader::next() {
  if (ended_) return std::optional<Entry>();
  char filler[kPieceBytes / 16];
  for (left_ += padding_, padding_ = 0; left_ > 0;) TRY(read(filler));
  Ahead ahead;
  tar::Header header;
  do {
    if (TRY(read_header(header))) continue;
    if (ahead.name || ahead.link || !ahead.records.empty()) return ends_early();
    ended_ = true;
    return std::optional<Entry>();
  } while (TRY(take_ahead(header, ahead)));
  return std::optional(TRY(entry_from(header, ahead)));
}

Result<Entry> TarReader::entry_from(const tar::Header& header, const Ahead& ahead) {
  const tar::PaxRecords& records = ahead.records;
  Entry entry;
  auto record_or = [&](const char* key, const std::string& otherwise) {
    auto found = records.find(key);
    return found == records.end() ? otherwise : found->second;
  };
  entry.path = record_or("path", ahead.name.value_or(name_in(header)));
  entry.path = record_or(kSparseName, entry.path);
  const std::string where = "the entry '" + shown(entry.path) + "'";
  const std::optional<Kind> kind = kind_of(header.type);
  if (!kind)
    return Error(ErrorClass::unsupported, where + " is of a type that is not known (" +
                                              shown(std::string(1, header.type)) + ")");
  // Older archives have no type for folders.
  entry.kind = *kind == Kind::file && entry.path.ends_with('/') ? Kind::folder : *kind;
  if (entry.kind == Kind::link || entry.kind == Kind::hard_link)
    entry.target =
        record_or("linkpath", ahead.link.value_or(std::string(tar::text_in(header.link))));
  if (entry.target.find('\0') != std::string::npos)
    return damaged(where + " leads to a name with a NUL in it");
  uint32_t mode = 0;
  TRY(take_number(mode, header.mode, {}, "mode").within(where));
  entry.mode = mode & 07777;
  TRY(take_number(entry.uid, header.uid, records, "uid").within(where));
  TRY(take_number(entry.gid, header.gid, records, "gid").within(where));
  if (entry.kind == Kind::file) {
    TRY(take_number(entry.size, header.size, records, "size").within(where));
    left_ = entry.size;
    padding_ = tar::padding_of(entry.size);
    if (left_ > INT64_MAX - tar::kBlock) return damaged(where + " is larger than any file");
  }
  if (entry.kind == Kind::character || entry.kind == Kind::block) {
    TRY(take_number(entry.major, header.device_major, {}, "device").within(where));
    TRY(take_number(entry.minor, header.device_minor, {}, "device").within(where));
  }
  const std::optional<int64_t> mtime = tar::number_in(header.mtime);
  std::optional<Time> time = mtime ? std::optional(Time{*mtime, 0}) : std::nullopt;
  if (auto told = records.find("mtime"); told != records.end()) time = parse_pax_time(told->second);
  if (!time) return damaged(where + ": its time is none");
  entry.mtime = *time;
  TRY(take_xattrs(records, entry).within(where));
  TRY(take_sparse(records, entry).within(where));
  if (entry.extents) TRY(read_extents(entry).within(where));
  return entry;
}

// The form 1.0: before the content a list of numbers, a line each, filled up to a block.
Result<> TarReader::read_extents(Entry& entry) {
  std::string pending;
  uint64_t taken = 0;
  auto number = [&]() -> Result<uint64_t> {
    size_t newline = pending.find('\n');
    while (newline == std::string::npos) {
      char block[tar::kBlock];
      if (left_ < tar::kBlock || pending.size() > tar::kBlock)
        return damaged("its list of holes is damaged");
      for (size_t have = 0; have < tar::kBlock;) have += TRY(read(std::span(block).subspan(have)));
      pending.append(block, tar::kBlock);
      newline = pending.find('\n');
    }
    const std::optional<uint64_t> value = parse_decimal(pending.substr(0, newline));
    pending.erase(0, newline + 1);
    if (!value || *value > INT64_MAX) return damaged("its list of holes is damaged");
    return *value;
  };
  const uint64_t count = TRY(number());
  if (count > kExtentsMax) return Error(ErrorClass::exhausted, "more holes than are understood");
  uint64_t end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    Extent extent{};
    extent.offset = TRY(number());
    extent.length = TRY(number());
    if (extent.offset < end || extent.length > entry.size - std::min(entry.size, extent.offset))
      return damaged("its list of holes is damaged");
    end = extent.offset + extent.length;
    taken += extent.length;
    if (extent.length != 0) entry.extents->push_back(extent);
  }
  if (taken != left_) return damaged("its list of holes does not fit its content");
  return {};
}

}  // namespace appshot::packing
