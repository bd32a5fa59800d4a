// A whole number in decimal digits, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace appshot {

std::optional<uint64_t> parse_decimal(std::string_view text);

}  // namespace appshot
