#include "packing/overlay_marks.h"

#include <algorithm>
#include <array>

#include "packing/paths.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

// Notes of overlayfs about where something was copied up from, and how its folder is to be read.
constexpr std::array<std::string_view, 7> kNotes{
    "trusted.overlay.origin", "trusted.overlay.impure",   "trusted.overlay.nlink",
    "trusted.overlay.upper",  "trusted.overlay.protattr", "trusted.overlay.uuid",
    "trusted.overlay.index"};

Entry bare_whiteout(const Entry& entry) {
  Entry bare;
  bare.path = entry.path;
  bare.kind = Kind::character;
  return bare;
}

}  // namespace

Result<> keep_only_marks_of_layers(Entry& entry) {
  if (is_whiteout(entry)) {
    entry = bare_whiteout(entry);
    return {};
  }
  for (auto mark = entry.xattrs.lower_bound(kOverlayMarks);
       mark != entry.xattrs.end() && mark->first.starts_with(kOverlayMarks);) {
    const bool opaque = mark->first == kOpaque && entry.kind == Kind::folder && mark->second == "y";
    if (opaque) {
      ++mark;
      continue;
    }
    if (std::find(kNotes.begin(), kNotes.end(), mark->first) == kNotes.end())
      return Error(ErrorClass::refused, "'" + shown(entry.path) + "' is not all in this layer (" +
                                            shown(mark->first) + ")")
          .hint("mount the overlay without redirect_dir, metacopy and xattr whiteouts");
    mark = entry.xattrs.erase(mark);
  }
  return {};
}

Result<> check_marks_of_layers(const Entry& entry) {
  if (is_whiteout(entry) && entry != bare_whiteout(entry))
    return Error(ErrorClass::corrupt, "'" + shown(entry.path) + "' is a whiteout with attributes");
  for (const auto& [key, value] : entry.xattrs) {
    const bool opaque = key == kOpaque && value == "y" && entry.kind == Kind::folder;
    if (!is_known_xattr(key) || (key.starts_with(kOverlayMarks) && !opaque))
      return Error(ErrorClass::corrupt, "'" + shown(entry.path) + "' has the extended attribute '" +
                                            shown(key) + "', which no layer has");
  }
  return {};
}

}  // namespace appshot::packing
