#include "rules/quote.h"

#include <algorithm>
#include <cstdint>

namespace appshot::rules {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kQuotedMax = 100;

uint8_t byte_at(std::string_view bytes, size_t index) { return static_cast<uint8_t>(bytes[index]); }

std::string escaped_byte(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    default:
      return {'\\', 'x', kHexDigits[static_cast<uint8_t>(c) >> 4],
              kHexDigits[static_cast<uint8_t>(c) & 15]};
  }
}

}  // namespace

size_t printable_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const uint8_t first = byte_at(bytes, 0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte_at(bytes, i) & 0xc0) != 0x80) return 0;
  const uint8_t second = byte_at(bytes, 1);
  const bool control = first == 0xc2 && second < 0xa0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return control || overlong || no_character ? 0 : length;
}

std::string_view beginning(std::string_view text, size_t bytes_max) {
  size_t end = 0;
  while (end < text.size()) {
    const size_t next = end + std::max<size_t>(1, printable_length(text.substr(end)));
    if (next > bytes_max) break;
    end = next;
  }
  return text.substr(0, end);
}

std::string escaped(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t length = printable_length(bytes);
    if (length == 0) {
      text += escaped_byte(bytes[0]);
    } else {
      if (bytes[0] == '"' || bytes[0] == '\\') text.push_back('\\');
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<size_t>(1, length));
  }
  return text;
}

std::string in_quotes(std::string_view bytes) {
  std::string_view shown = beginning(bytes, kQuotedMax);
  return '"' + escaped(shown) + (shown.size() < bytes.size() ? "\"..." : "\"");
}

}  // namespace appshot::rules
