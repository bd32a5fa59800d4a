// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot {

// "512M", "2G", "1.5GiB", "64k", "1048576": units are powers of 1024.
Result<int64_t> parse_size(std::string_view text);
std::string size_text(int64_t bytes);  // "0 B", "4.0 KiB", "1.5 GiB"

}  // namespace appshot
