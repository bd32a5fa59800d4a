// What of a file is holes, decided by its bytes alone.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "packing/entry.h"
#include "packing/streams.h"

namespace appshot::packing {

// The bytes of a file that is not all there, by the rule of docs/environments-format.md: a run of
// zeros in whole blocks of 4096 bytes, 64 KiB or more of them, is a hole, whether or not it is one
// on this disk. Absent: there are none. So the same content is told in the same way everywhere.
Result<std::optional<std::vector<Extent>>> extents_of(int fd, uint64_t size);

// The entry's bytes out of its file, holes left out. A file that is shorter meanwhile is an error.
Result<> read_content(int fd, const Entry& entry,
                      const std::function<Result<>(std::span<const char>)>& take);

}  // namespace appshot::packing
