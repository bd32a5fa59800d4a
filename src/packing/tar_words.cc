#include "packing/tar_words.h"

#include <algorithm>
#include <array>

#include "base/decimal.h"

namespace appshot::packing {

namespace {

constexpr std::string_view kLibarchiveRecord = "LIBARCHIVE.xattr.";
constexpr std::array<std::string_view, 4> kOtherForms{"SCHILY.acl.", "SCHILY.fflags",
                                                      kLibarchiveRecord, "RHT.security."};

bool is_in_other_form(std::string_view key) {
  return std::any_of(kOtherForms.begin(), kOtherForms.end(),
                     [&](std::string_view form) { return key.starts_with(form); });
}

// libarchive says each attribute twice.
bool is_said_again(const tar::PaxRecords& records, std::string_view key) {
  if (!key.starts_with(kLibarchiveRecord)) return false;
  key.remove_prefix(kLibarchiveRecord.size());
  return records.contains(std::string(kXattrRecord).append(key));
}

}  // namespace

bool changes_entries(std::string_view key) {
  constexpr std::array<std::string_view, 7> kKeys{"path", "linkpath", "size",      "uid",
                                                  "gid",  "mtime",    "hdrcharset"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() ||
         key.starts_with(kXattrRecord) || key.starts_with("GNU.sparse.") || is_in_other_form(key);
}

Result<> take_xattrs(const tar::PaxRecords& records, Entry& entry) {
  for (const auto& [key, value] : records) {
    const bool known = key.starts_with(kXattrRecord);
    if (!known && (!is_in_other_form(key) || is_said_again(records, key))) continue;
    const std::string name = known ? key.substr(kXattrRecord.size()) : key;
    if (name.empty() || name.find('\0') != std::string::npos)
      return Error(ErrorClass::corrupt, "an extended attribute has no name, or a NUL in it");
    entry.xattrs[name] = value;
  }
  return {};
}

Result<> take_sparse(const tar::PaxRecords& records, Entry& entry) {
  const auto first = records.lower_bound("GNU.sparse.");
  if (first == records.end() || !first->first.starts_with("GNU.sparse.")) return {};
  auto value = [&](const char* key) {
    auto found = records.find(key);
    return found == records.end() ? std::string() : found->second;
  };
  if (entry.kind != Kind::file || value(kSparseMajor) != "1" || value(kSparseMinor) != "0")
    return Error(ErrorClass::unsupported, "an old form of sparse files")
        .hint("make the archive with --sparse-version=1.0, or without --sparse");
  const std::optional<uint64_t> size = parse_decimal(value(kSparseSize));
  if (!size || *size > INT64_MAX) return Error(ErrorClass::corrupt, "its real size is no number");
  entry.size = *size;
  entry.extents.emplace();
  return {};
}

}  // namespace appshot::packing
