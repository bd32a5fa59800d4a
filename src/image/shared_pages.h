// Files of pages that several images share (links), each of which needs some of their blocks. What
// nobody needs any more gives its room back, while the rest stays where it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::image {

// Open for reading; as long as it or a copy of it is open nothing of the file is given back,
// whatever becomes of the image.
Result<UniqueFd> open_pages_file(const std::string& path);

// A name of such a file: in the folder of an image.
struct PagesName {
  std::string folder, name;
};
// `names` of one file must be all that it has: else, and while somebody reads it, nothing is done.
// Returns how many bytes were given back.
Result<uint64_t> give_back_unneeded(const std::vector<PagesName>& names);

}  // namespace appshot::image
