// IPC objects remember who made them and who used them last, and tell it in the ids of whoever
// asks. So they are asked for by a process inside the instance's pid namespace, and made by
// processes that have, for that moment, the right ids.
#pragma once

#include <sys/ipc.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/pids.h"

namespace appshot::ipc {

std::unique_ptr<image::IpcPermissionsT> describe(const ipc_perm& permissions, int id);
void give(const image::IpcPermissionsT& wanted, ipc_perm& permissions);  // for IPC_SET

// `ask` fills in `count` numbers, in a short-lived process that sees the instance's process ids.
// The caller is in the IPC namespace in question already.
Result<std::vector<int>> ask_inside(HostPid init, size_t count,
                                    const std::function<void(int*)>& ask);

// Runs `work` in a short-lived process with that id (when it is free; otherwise any). It returns 0
// or an errno.
Result<> act_as(pid_t pid, const std::function<int()>& work);

// The same for shmget, semget, msgget: `get` makes the object, which gets the id and creator it
// had. `kind` is "shm", "sem" or "msg".
Result<> make_with_id(const std::string& kind, const image::IpcPermissionsT& permissions,
                      pid_t creator, const std::function<int()>& get);

}  // namespace appshot::ipc
