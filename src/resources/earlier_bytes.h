// The pages of earlier images as they lie in their files, to be compared with what there is now.
// They are not verified: what is damaged is not the same as anything.
//
// Threads: any.
#pragma once

#include <map>
#include <span>
#include <string>

#include "image/pages_parts.h"
#include "os/unique_fd.h"

namespace appshot {

class EarlierBytes {
 public:
  EarlierBytes() = default;
  // Files that cannot be opened are as if nothing lay in them.
  EarlierBytes(const std::string& folder, const image::PagesParts& parts);

  bool read(uint64_t offset, std::span<char> into) const;

 private:
  image::PagesParts parts_;
  std::map<std::string, UniqueFd> files_;
};

}  // namespace appshot
