// Unix socket addresses of any length: a path beyond the kernel's 107 bytes is reached through a
// descriptor of its folder, so that a deep APPSHOT_ROOT works as well as a shallow one.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

Result<> connect_unix(int socket, const std::string& path);
Result<> bind_unix(int socket, const std::string& path);

}  // namespace appshot
