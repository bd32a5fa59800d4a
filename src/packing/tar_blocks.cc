#include "packing/tar_blocks.h"

#include <charconv>
#include <cstring>

namespace appshot::packing {

uint64_t checksum_of(const TarHeader& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof header; ++i) {
    const bool own = i >= offsetof(TarHeader, checksum) && i < offsetof(TarHeader, type);
    sum += own ? ' ' : bytes[i];
  }
  return sum;
}

std::optional<int64_t> number_in(std::span<const char> field) {
  const auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80) != 0) {
    // Two's complement, but for the highest bit, which says so.
    const bool negative = (first & 0x40) != 0;
    uint64_t value = negative ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < field.size(); ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = negative ? byte : byte & 0x7f;
      if (value >> 55 != (negative ? 0x1ff : 0)) return {};
      value = value << 8 | byte;
    }
    return static_cast<int64_t>(value);
  }
  std::string_view text(field.data(), field.size());
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return 0;
  text.remove_prefix(begin);
  text = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
  if (text.empty()) return 0;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX) return {};
  return static_cast<int64_t>(value);
}

bool put_number(std::span<char> field, uint64_t value) {
  for (size_t i = field.size() - 1; i-- > 0; value /= 8)
    field[i] = static_cast<char>('0' + value % 8);
  field.back() = '\0';
  return value == 0;
}

std::string_view text_in(std::span<const char> field) {
  return {field.data(), ::strnlen(field.data(), field.size())};
}

std::string pax_text(const PaxRecords& records) {
  std::string text;
  for (const auto& [key, value] : records) {
    const size_t rest = key.size() + value.size() + 3;  // blank, =, newline
    size_t length = rest;
    while (length != rest + std::to_string(length).size())
      length = rest + std::to_string(length).size();
    text += std::to_string(length) + " ";
    text += key + "=";
    text += value + "\n";
  }
  return text;
}

Result<PaxRecords> parse_pax(std::string_view text) {
  auto damaged = [] { return Error(ErrorClass::corrupt, "a pax header is damaged"); };
  PaxRecords records;
  while (!text.empty()) {
    const size_t blank = text.find(' ');
    if (blank > 20) return damaged();  // or there is none
    const std::optional<uint64_t> length = parse_decimal(text.substr(0, blank));
    if (!length || *length > text.size() || *length < blank + 3) return damaged();
    std::string_view record = text.substr(blank + 1, *length - blank - 1);
    const size_t equals = record.find('=');
    if (record.back() != '\n' || equals == std::string_view::npos || equals == 0) return damaged();
    record.remove_suffix(1);
    records[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(*length);
  }
  return records;
}

std::optional<uint64_t> parse_decimal(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

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
