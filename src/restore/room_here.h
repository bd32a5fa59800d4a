// What a restore takes of this machine all at once, as far as there is a limit to it.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot {

// Everything that is open in any of its processes is open in init at once. Class mismatch.
Result<> refuse_too_many_descriptors(const image::ImageT& image);

// An instance's limit (0: none) holds for a restore too, which makes each process's memory its own.
// Known before anything exists; the kernel is asked when all of it stands. Class exhausted.
Result<> refuse_more_memory_than(int64_t limit_bytes, const image::ImageT& image);

// Asked before an application ends with its snapshot: it could not be restored here, although it
// runs here. Class refused.
Result<> refuse_what_cannot_be_restored_here(const image::ImageT& image, int64_t memory_max_bytes);

}  // namespace appshot
