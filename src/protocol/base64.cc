#include "protocol/base64.h"

#include <cstdint>

namespace appshot {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i)
      text.push_back(at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63]);
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  uint32_t group = 0;
  size_t digits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (char c : text) {
    size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return Error(ErrorClass::corrupt, "this is not base64");
    group = group << 6 | static_cast<uint32_t>(digit);
    if (++digits % 4 == 0)
      for (int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(group >> shift));
  }
  size_t left = digits % 4;
  if (left == 1) return Error(ErrorClass::corrupt, "this is not base64");
  if (left >= 2) bytes.push_back(static_cast<char>(group >> (left == 2 ? 4 : 10)));
  if (left == 3) bytes.push_back(static_cast<char>(group >> 2));
  return bytes;
}

}  // namespace appshot
