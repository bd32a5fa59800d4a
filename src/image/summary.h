// What an image says about itself, told only after all of it was found to be in order.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace appshot::image {

struct ImageSummary {
  std::string id;
  std::string aid;
  std::string parent;
  uint64_t created_ms = 0;
  size_t processes = 0;
  uint64_t manifest_bytes = 0;
  uint64_t pages_bytes = 0;
};

// Reads every byte: checksums, structure, references, each block of the pages.
Result<ImageSummary> verify_image(const std::string& folder);

}  // namespace appshot::image
