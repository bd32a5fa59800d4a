// The framing of an export: POSIX ustar, with a pax record where a size does not fit into it. Only
// what an export consists of; `tar tvf` shows it, any tar unpacks it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"

namespace appshot::image {

struct TarMember {
  std::string name;
  uint64_t size = 0;
  uint64_t mtime_s = 0;
  bool operator==(const TarMember&) const = default;
};

// Fills the span or fails.
using ReadFully = std::function<Result<>(std::span<char> bytes)>;

// The blocks that stand before a member's content: one, or three when its size needs a pax record.
std::string tar_header(const TarMember& member);
// Reads such blocks. What is not byte for byte what tar_header writes is corrupt.
Result<TarMember> read_tar_header(const ReadFully& read);

}  // namespace appshot::image
