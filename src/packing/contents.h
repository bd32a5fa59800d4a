// What of a file is holes, decided by its bytes alone.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "packing/entry.h"
#include "packing/streams.h"

namespace appshot::packing {

// Which bytes of a file are there, by the rule of docs/environments-format.md: a run of zeros in
// whole blocks of 4096 bytes, 64 KiB or more of them, is a hole, whether or not it is one on this
// disk. So the same content is told in the same way everywhere. It is told the file from its
// beginning to its end, in pieces of any size.
class HoleFinder {
 public:
  void content(std::span<const char> bytes);
  void hole_until(uint64_t offset);
  // Absent: there are no holes.
  std::optional<std::vector<Extent>> finish();

 private:
  void end_unit();

  uint64_t at_ = 0;
  bool zeros_ = true;  // all of the block it is in, so far
  std::vector<Extent> extents_;
};

// Of a file that is there.
Result<std::optional<std::vector<Extent>>> extents_of(int fd, uint64_t size);

// The entry's bytes out of its file, holes left out. A file that is shorter meanwhile is an error.
Result<> read_content(int fd, const Entry& entry,
                      const std::function<Result<>(std::span<const char>)>& take);

}  // namespace appshot::packing
