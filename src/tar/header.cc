#include "tar/header.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace appshot::tar {

Header new_header(char type, uint64_t size) {
  Header header{};
  header.type = type;
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  put_number(header.mode, 0);
  put_number(header.uid, 0);
  put_number(header.gid, 0);
  put_number(header.size, size);
  put_number(header.mtime, 0);
  put_number(header.device_major, 0);
  put_number(header.device_minor, 0);
  return header;
}

// Of the sum there are six digits, a NUL and a blank.
std::string sealed(Header header) {
  put_number(std::span(header.checksum).first(7), checksum_of(header));
  header.checksum[7] = ' ';
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

uint64_t checksum_of(const Header& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof header; ++i) {
    const bool own = i >= offsetof(Header, checksum) && i < offsetof(Header, type);
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

bool put_text(std::span<char> field, std::string_view text) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), field.size()));
  return text.size() <= field.size();
}

}  // namespace appshot::tar
