// The files of earlier images in which pages lie that have not changed: an image that goes on using
// them has them under names of its own (hard links), so whichever of the others is removed, it
// stays whole.
#pragma once

#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/earlier_bytes.h"
#include "resources/memory_tracks.h"

namespace appshot {

class EarlierPages {
 public:
  // Linked into the folder of an image that is begun. Where that cannot be, because the earlier
  // image is gone, nothing is known any more.
  static EarlierPages link(MemoryTracks& tracks, const std::string& folder);

  uint64_t next_base() const { return next_base_; }
  EarlierBytes bytes() const { return {folder_, parts_}; }
  // Of them what a complete image refers to; files that it does not need are given up.
  Result<image::PagesParts> used_by(const image::ImageT& image) const;

 private:
  std::string folder_;
  image::PagesParts parts_;
  uint64_t next_base_ = 0;
};

}  // namespace appshot
