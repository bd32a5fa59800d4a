// What the parts of the verifier have in common.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot::image {

inline Error wrong(const std::string& what) {
  return Error(ErrorClass::corrupt, "the image's manifest is inconsistent: " + what);
}

inline bool inside(int index, size_t size) {
  return index >= 0 && static_cast<size_t>(index) < size;
}

// A number where the schema names the only possible values: the structure's verifier lets any pass.
template <typename Enum>
bool known(Enum value) {
  return value >= Enum::MIN && value <= Enum::MAX;
}

// Names between slashes, none of which leads elsewhere: "a/b".
inline bool leads_down(std::string_view path) {
  if (path.find('\0') != path.npos) return false;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = path.find('/', at);
    const size_t end = slash == path.npos ? path.size() : slash;
    std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

inline bool leads_down_from_root(std::string_view path) {
  return path == "/" || (path.starts_with('/') && leads_down(path.substr(1)));
}

}  // namespace appshot::image
