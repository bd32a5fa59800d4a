#include "base/size.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

namespace appshot {
namespace {

constexpr std::string_view kUnits = "kmgt";
constexpr double kUnit = 1024;
constexpr double kBytesMax = 9e18;  // a little less than an int64_t holds

// What a unit multiplies by; 0: it is none.
double factor_of(std::string_view unit) {
  if (unit.empty() || unit == "b") return 1;
  const size_t power = kUnits.find(unit.front());
  const std::string_view rest = unit.substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return 0;
  return std::pow(kUnit, static_cast<double>(power + 1));
}

}  // namespace

Result<int64_t> parse_size(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string number(text.substr(0, digits));
  std::string unit(text.substr(digits));
  for (char& letter : unit) letter = static_cast<char>(std::tolower(letter));
  char* end = nullptr;
  const double count = std::strtod(number.c_str(), &end);
  const double bytes = count * factor_of(unit);
  const bool is_number = !number.empty() && *end == '\0';
  if (!is_number || bytes < 1 || bytes > kBytesMax)
    return Error(ErrorClass::usage, "'" + std::string(text) + "' is not a size")
        .hint("sizes are like 512M, 2G or 1.5GiB");
  return static_cast<int64_t>(bytes);
}

std::string size_text(int64_t bytes) {
  static constexpr const char* kNames[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < static_cast<int64_t>(kUnit)) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / kUnit;
  size_t unit = 0;
  for (; value >= kUnit && unit + 1 < std::size(kNames); ++unit) value /= kUnit;
  char text[32];
  std::snprintf(text, sizeof text, value < 100 ? "%.1f " : "%.0f ", value);
  return text + std::string(kNames[unit]);
}

}  // namespace appshot
