// How overlayfs says in a layer what is not there any more, and what of that leaves the layer.
#pragma once

#include <sys/stat.h>

#include "base/result.h"
#include "packing/entry.h"

namespace appshot::packing {

// Of a layer's entry: whiteouts have nothing to tell but their name, and of overlayfs' marks only
// the opaque one says something about the layer; the others are left out, as they are about where
// it came from. Refused: marks by which a part of the file is in another layer.
Result<> keep_only_marks_of_layers(Entry& entry);

// Whether an entry is as that leaves it; else it was made by somebody else, and is corrupt.
Result<> check_marks_of_layers(const Entry& entry);

// The same of a file that is there.
inline bool is_whiteout_node(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

inline bool is_opaque(const Entry& entry) {
  auto found = entry.xattrs.find(kOpaque);
  return found != entry.xattrs.end() && found->second == "y";
}

}  // namespace appshot::packing
