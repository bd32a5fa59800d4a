// Where bytes of others become files: a mount namespace in which nothing but one folder can be
// reached, and only the rights that making files takes. Whatever is wrong in what follows, there is
// nothing outside that a name could lead to.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::packing {

// The folder in which something is to be made, and that was not there or is empty.
Result<> make_target(const std::string& folder);

// Such a folder becomes the calling process's root and working directory, for good;
// its descriptor is returned. What has to be read must be open already. For a process of one
// thread.
Result<UniqueFd> enter_jail(const std::string& folder);

}  // namespace appshot::packing
