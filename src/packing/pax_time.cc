#include "packing/pax_time.h"

#include "base/decimal.h"

namespace appshot::packing {

// The fraction counts away from zero, so -0.25 s is kept as -1 s and 750,000,000 ns.
std::string pax_time(const Time& time) {
  const bool negative = time.s < 0;
  uint64_t whole = negative ? -static_cast<uint64_t>(time.s) : static_cast<uint64_t>(time.s);
  uint32_t fraction = time.ns;
  if (negative && fraction != 0) {
    whole -= 1;
    fraction = 1'000'000'000 - fraction;
  }
  std::string text = (negative ? "-" : "") + std::to_string(whole);
  if (fraction == 0) return text;
  std::string digits = std::to_string(fraction);
  return text + "." + std::string(9 - digits.size(), '0') + digits;
}

std::optional<Time> parse_pax_time(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::optional<uint64_t> whole = parse_decimal(text.substr(0, point));
  if (!whole || *whole > INT64_MAX / 2) return {};
  uint32_t fraction = 0;
  if (point != std::string_view::npos) {
    std::string digits(text.substr(point + 1));
    if (digits.find_first_not_of("0123456789") != std::string::npos) return {};
    digits.resize(9, '0');  // finer than nanoseconds is cut off
    fraction = static_cast<uint32_t>(parse_decimal(digits).value_or(0));
  }
  Time time{static_cast<int64_t>(*whole), fraction};
  if (!negative) return time;
  if (fraction == 0) return Time{-time.s, 0};
  return Time{-time.s - 1, 1'000'000'000 - fraction};
}

}  // namespace appshot::packing
