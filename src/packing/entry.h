// One file of a tree as values: what a tar archive says of it, and what a layer keeps of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace appshot::packing {

enum class Kind { file, folder, link, fifo, character, block, hard_link, socket };

struct Time {
  int64_t s = 0;
  uint32_t ns = 0;
  bool operator==(const Time&) const = default;
};

// Bytes that are there; all others of a sparse file are holes.
struct Extent {
  uint64_t offset = 0;
  uint64_t length = 0;
  bool operator==(const Extent&) const = default;
};

struct Entry {
  std::string path;  // "etc/passwd"; empty: the folder where the tree begins
  Kind kind = Kind::file;
  uint32_t mode = 0;  // the lower 12 bits
  uint32_t uid = 0;
  uint32_t gid = 0;
  Time mtime;
  uint64_t size = 0;   // of files
  std::string target;  // what a symbolic link says, or the path of a hard link's file
  uint32_t major = 0;  // of devices
  uint32_t minor = 0;
  std::map<std::string, std::string> xattrs;
  std::optional<std::vector<Extent>> extents;  // of a sparse file
  bool operator==(const Entry&) const = default;
};

// As overlayfs marks that nothing of that name shows from below.
inline bool is_whiteout(const Entry& entry) {
  return entry.kind == Kind::character && entry.major == 0 && entry.minor == 0;
}

// The bytes of a file that are not holes.
inline uint64_t bytes_of(const Entry& entry) {
  if (!entry.extents) return entry.size;
  uint64_t sum = 0;
  for (const Extent& extent : *entry.extents) sum += extent.length;
  return sum;
}

inline constexpr char kOpaque[] = "trusted.overlay.opaque";
inline constexpr char kOverlayMarks[] = "trusted.overlay.";
inline constexpr size_t kPathBytesMax = 4095;  // PATH_MAX less the NUL
inline constexpr size_t kPathDepthMax = 512;
inline constexpr size_t kNameBytesMax = 255;

}  // namespace appshot::packing
