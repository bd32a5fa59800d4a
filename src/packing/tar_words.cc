#include "packing/tar_words.h"

#include <algorithm>
#include <array>

namespace appshot::packing {

bool changes_entries(std::string_view key) {
  constexpr std::array<std::string_view, 7> kKeys{"path", "linkpath", "size",      "uid",
                                                  "gid",  "mtime",    "hdrcharset"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() ||
         key.starts_with(kXattrRecord) || key.starts_with("GNU.sparse.");
}

Result<> take_sparse(const PaxRecords& records, Entry& entry) {
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
