// The keys of an SSH server, which a clone has for itself: made by its own ssh-keygen.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "init/spawn.h"
#include "isolation/fresh_identity.h"

namespace appshot {

// Like a program that comes to visit; all at once, as one may take a good part of a second. Tells
// how many could not be made: these are not there.
Result<int> make_host_keys(const std::vector<HostKey>& keys,
                           const std::function<Result<SpawnRequest>()>& as_visitor);

}  // namespace appshot
