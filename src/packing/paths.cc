#include "packing/paths.h"

#include <algorithm>

#include "packing/entry.h"

namespace appshot::packing {

std::string shown(std::string_view path) {
  constexpr size_t kShownMax = 200;
  std::string text;
  for (size_t i = 0; i < std::min(path.size(), kShownMax); ++i) {
    const auto byte = static_cast<unsigned char>(path[i]);
    // Behind this byte UTF-8 has the other set of control characters.
    const bool second = byte >= 0x80 && byte < 0xa0 && i > 0 && path[i - 1] == '\xc2';
    if (second) text.back() = '?';
    if (!second) text.push_back(byte < ' ' || byte == 0x7f ? '?' : path[i]);
  }
  return path.size() > kShownMax ? text + "…" : text;
}

Result<std::string> plain_path(std::string_view name) {
  auto refused = [&](const std::string& why) {
    return Error(ErrorClass::corrupt, "the name '" + shown(name) + "' " + why);
  };
  if (name.find('\0') != std::string_view::npos) return refused("has a NUL in it");
  std::string path;
  size_t depth = 0;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return refused("leads upwards (..)");
    if (part.size() > kNameBytesMax) return refused("has a part of more than 255 bytes");
    if (++depth > kPathDepthMax) return refused("is deeper than 512 folders");
    if (!path.empty()) path.push_back('/');
    path += part;
    if (path.size() > kPathBytesMax) return refused("is longer than 4095 bytes");
  }
  return path;
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<std::string_view> components_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// A slash counts as less than any byte of a name.
int compare_paths(std::string_view a, std::string_view b) {
  auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i)
    if (a[i] != b[i]) return rank(a[i]) < rank(b[i]) ? -1 : 1;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

}  // namespace appshot::packing
