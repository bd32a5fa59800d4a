// What the content of a file comes to: by it a file that has to be as it was is told from one that
// was changed, whatever its times say. It is computed on all processors, and holes take no reading.
//
// docs/image-format.md says what it is: it is kept in images.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot {

// Small enough to stay in a core's cache.
inline constexpr uint64_t kSummedPiece = 256 << 10;

// How a file of others is opened for it: without waiting for who does not want that it is read, and
// without setting its time of access.
inline constexpr int kToSum = O_RDONLY | O_NONBLOCK | O_NOATIME | O_NOCTTY;
// Larger ones are not worth it: whoever restores them reads them again.
inline constexpr uint64_t kSummedMax = 16ULL << 30;

// Told how many bytes more are done, by one thread after the other.
using TellSummed = std::function<void(uint64_t bytes)>;

// Of the first `size` bytes of a file that is open for reading. Fails where it has fewer, or is cut
// meanwhile; when it is written meanwhile the sum is that of nothing in particular.
Result<image::ContentSum> content_sum(int fd, uint64_t size, const TellSummed& tell = {});

}  // namespace appshot
