#include "resources/ipc/permissions.h"

#include "os/file.h"
#include "os/thread_ids.h"
#include "resources/acting.h"

namespace appshot::ipc {

std::unique_ptr<image::IpcPermissionsT> describe(const ipc_perm& permissions, int id) {
  auto out = std::make_unique<image::IpcPermissionsT>();
  out->key = permissions.__key;
  out->id = id;
  out->uid = permissions.uid;
  out->gid = permissions.gid;
  out->cuid = permissions.cuid;
  out->cgid = permissions.cgid;
  out->mode = permissions.mode & 0777;
  return out;
}

void give(const image::IpcPermissionsT& wanted, ipc_perm& permissions) {
  permissions.uid = wanted.uid;
  permissions.gid = wanted.gid;
  permissions.mode = static_cast<decltype(permissions.mode)>(wanted.mode);
}

Result<> make_with_id(const std::string& kind, const image::IpcPermissionsT& permissions,
                      pid_t creator, const std::function<int()>& get) {
  TRY(write_file("/proc/sys/kernel/" + kind + "_next_id", std::to_string(permissions.id)));
  return act_as(creator, [&] {
    constexpr auto kSame = static_cast<id_t>(-1);
    if (set_thread_gids(kSame, permissions.cgid, kSame) != 0) return errno;
    if (set_thread_uids(kSame, permissions.cuid, kSame) != 0) return errno;
    int id = get();
    if (id < 0) return errno;
    return id == permissions.id ? 0 : EEXIST;
  });
}

}  // namespace appshot::ipc
