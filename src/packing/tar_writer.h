// Writes tar archives of which every byte is decided by what they tell: the same tree gives the
// same archive, here and on any other machine (docs/environments-format.md). So it is ours: the sum
// of such a stream is what a layer is known by.
#pragma once

#include "packing/entry.h"
#include "packing/streams.h"

namespace appshot::packing {

class TarWriter {
 public:
  explicit TarWriter(Sink& to) : to_(to) {}

  // The entry's header; bytes_of(entry) bytes of content follow, then end_entry.
  Result<> begin_entry(const Entry& entry);
  Result<> content(std::span<const char> bytes);
  Result<> end_entry();
  // The two blocks of zeros. The sink is not finished.
  Result<> end_archive();

 private:
  Sink& to_;
  uint64_t left_ = 0;
  uint64_t padding_ = 0;
};

}  // namespace appshot::packing
