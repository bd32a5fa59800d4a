// Where memory of an image lies, and which pages of it are kept: a part of the verifier (see
// verify.cc).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

// A size of pages that can be, of which memory with these limits consists.
bool can_be_huge(uint64_t page, uint64_t limits);
// In order, and within these limits; those that are stored are in the image.
Result<> verify_runs(const ImageT& image, const std::vector<PageRun>& runs, uint64_t from,
                     uint64_t to, bool stored);
Result<> verify_memory(const ImageT& image, const AddressSpaceT& space);

}  // namespace appshot::image
