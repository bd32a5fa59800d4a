#include "packing/xattrs.h"

#include <sys/xattr.h>

#include <cerrno>
#include <vector>

#include "packing/paths.h"

namespace appshot::packing {
namespace {

constexpr int kTriesMax = 10;

// Of a length that may change between asking for it and reading.
template <typename Call>
Result<std::string> grown(const Call& call) {
  std::string bytes;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const ssize_t size = call(nullptr, 0);
    if (size <= 0) return size == 0 ? Result<std::string>("") : Error::from_errno(errno, "xattr");
    bytes.resize(static_cast<size_t>(size));
    const ssize_t got = call(bytes.data(), bytes.size());
    if (got >= 0) {
      bytes.resize(static_cast<size_t>(got));
      return bytes;
    }
    if (errno != ERANGE) return Error::from_errno(errno, "xattr");
  }
  return Error(ErrorClass::conflict, "its extended attributes change all the time");
}

}  // namespace

Result<std::map<std::string, std::string>> xattrs_at(const std::string& name) {
  std::map<std::string, std::string> found;
  Result<std::string> names =
      grown([&](char* into, size_t size) { return ::llistxattr(name.c_str(), into, size); });
  if (!names && names.error().err() == EOPNOTSUPP) return found;
  const std::string list = TRY(std::move(names).within("llistxattr"));
  for (size_t at = 0; at < list.size();) {
    const std::string key = list.c_str() + at;
    at += key.size() + 1;
    found[key] = TRY(grown([&](char* into, size_t size) {
                       return ::lgetxattr(name.c_str(), key.c_str(), into, size);
                     }).within("lgetxattr " + shown(key)));
  }
  return found;
}

bool is_portable_xattr(std::string_view name) {
  return name.starts_with("user.") || name == "security.capability" ||
         name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

bool is_known_xattr(std::string_view name) {
  return is_portable_xattr(name) || name.starts_with("security.") || name.starts_with("trusted.");
}

}  // namespace appshot::packing
