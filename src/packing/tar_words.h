// The keys of pax headers that reader and writer share.
#pragma once

#include <string>
#include <string_view>

#include "packing/entry.h"
#include "tar/pax.h"

namespace appshot::packing {

inline constexpr std::string_view kXattrRecord = "SCHILY.xattr.";
inline constexpr char kSparseName[] = "GNU.sparse.name";
inline constexpr char kSparseSize[] = "GNU.sparse.realsize";
inline constexpr char kSparseMajor[] = "GNU.sparse.major";
inline constexpr char kSparseMinor[] = "GNU.sparse.minor";
inline constexpr uint64_t kExtentsMax = 1 << 20;

// Whether a record of that key would say something about a file.
bool changes_entries(std::string_view key);

// Attributes by their names. What is said of them in a form that is not read here (lists of access
// as text, for one) is among them by the name of its record, which is the name of no attribute.
Result<> take_xattrs(const tar::PaxRecords& records, Entry& entry);

// Of a sparse file: its real size, and an empty list of extents, which are read from its content.
Result<> take_sparse(const tar::PaxRecords& records, Entry& entry);

}  // namespace appshot::packing
