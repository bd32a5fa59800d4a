// An image is a folder: `manifest` (what there is) and `pages` (the bytes of memory and of files
// that have no name any more). docs/image-format.md describes both.
#pragma once

#include <cstdint>

namespace appshot::image {

inline constexpr char kManifestName[] = "manifest";
inline constexpr char kPagesName[] = "pages";

// Counted up whenever an older reader would misunderstand; apart from the product's version.
inline constexpr uint32_t kFormatVersion = 1;
inline constexpr char kMagic[8] = {'A', 'P', 'P', 'S', 'H', 'O', 'T', '\n'};

struct ManifestHeader {
  char magic[8];
  uint32_t version;
  uint32_t reserved;  // zero
  uint64_t length;    // of the body, which is the rest of the file
  uint64_t hash;      // XXH3 of the body
};
static_assert(sizeof(ManifestHeader) == 32);

// The pages file is checksummed in blocks of this size; small enough to stay in a core's cache.
inline constexpr uint32_t kPagesBlock = 256 * 1024;
inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kManifestBytesMax = 1ULL << 31;

}  // namespace appshot::image
