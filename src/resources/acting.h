// Some kernel objects remember who made them or used them last, and tell it in the ids of whoever
// asks. So they are asked for by a process inside the instance's pid namespace, and made by
// processes that have, for that moment, the right ids.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "os/pids.h"
#include "os/unique_fd.h"

namespace appshot {

// `ask` fills in `count` numbers, in a short-lived process that sees the instance's process ids.
// The caller is in all other namespaces in question already.
Result<std::vector<int>> ask_inside(HostPid init, size_t count,
                                    const std::function<void(int*)>& ask);

// Runs `work` in a short-lived process with that id (when it is free; otherwise any). It returns 0
// or an errno. `flags` are CLONE_*: what it shares with the caller.
Result<> act_as(pid_t pid, const std::function<int()>& work, uint64_t flags = 0);

// What `make` opens in a short-lived process of one thread, which may go where nobody comes back
// from, like another user namespace. `cgroup`: the one it starts in.
Result<UniqueFd> make_aside(const std::function<Result<UniqueFd>()>& make, int cgroup = -1);

}  // namespace appshot
