// Who owns an IPC object and who made it: read, given, and made so from the beginning.
#pragma once

#include <sys/ipc.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::ipc {

std::unique_ptr<image::IpcPermissionsT> describe(const ipc_perm& permissions, int id);
void give(const image::IpcPermissionsT& wanted, ipc_perm& permissions);  // for IPC_SET

// shmget, semget or msgget by its maker: `get` makes the object, which gets the id and creator it
// had. `kind` is "shm", "sem" or "msg".
Result<> make_with_id(const std::string& kind, const image::IpcPermissionsT& permissions,
                      pid_t creator, const std::function<int()>& get);

}  // namespace appshot::ipc
