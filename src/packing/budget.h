// How much an archive may unpack to. Asked before anything is made, so that the limit is told with
// the entry that would pass it, and not found by a full disk.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "packing/entry.h"

namespace appshot::packing {

inline constexpr uint64_t kEntriesMax = 5'000'000;

class Budget {
 public:
  explicit Budget(uint64_t bytes_max, uint64_t entries_max = kEntriesMax)
      : bytes_max_(bytes_max), entries_max_(entries_max) {}

  // Counts an entry of an archive, whether or not anything is made of it: reading takes time, too.
  Result<> see(const Entry& entry);
  // Counts what the entry takes on the disk: content in whole blocks, and what the file system
  // needs to know of it. Holes are free.
  Result<> take(const Entry& entry);
  uint64_t bytes() const { return bytes_; }
  uint64_t entries() const { return entries_; }

 private:
  const uint64_t bytes_max_;
  const uint64_t entries_max_;
  uint64_t bytes_ = 0;
  uint64_t entries_ = 0;
  uint64_t seen_ = 0;
};

// What is free on the file system of a folder, less one twentieth.
Result<uint64_t> bytes_free_at(const std::string& folder);

}  // namespace appshot::packing
