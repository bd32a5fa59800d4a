// Extended attributes of files of any kind, and which of them go where.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot::packing {

// All of them, of a name in the working directory; a symbolic link is not followed. None where the
// file system has none.
Result<std::map<std::string, std::string>> xattrs_at(const std::string& name);

// Whether an image of others may say it, and one for others does: what users set, file capabilities
// and lists of access. All else is of one machine, or would be taken for marks of overlayfs.
bool is_portable_xattr(std::string_view name);
// Whether it belongs to one of the kernel's four kinds, so that it can be set at all.
bool is_known_xattr(std::string_view name);

}  // namespace appshot::packing
