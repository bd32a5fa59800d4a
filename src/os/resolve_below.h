// Opening by a path that somebody else has chosen: it cannot lead out of the folder it begins in,
// and no symbolic link on its way is followed.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// The errno is ELOOP where the path leads through a symbolic link, or is one.
Result<UniqueFd> open_below(int folder, const std::string& path, int flags);

}  // namespace appshot
