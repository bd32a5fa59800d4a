#include "resources/ipc/ipc.h"

#include "resources/ipc/sysv_msg.h"
#include "resources/ipc/sysv_sem.h"
#include "resources/ipc/sysv_shm.h"

namespace appshot::ipc {

Result<> capture(CaptureContext& context, int space) {
  TRY(capture_shm(context, space));
  TRY(capture_sem(context, space));
  return capture_msg(context, space);
}

Result<> find_unreachable(CaptureContext& context) { return find_unreachable_shm(context); }

Result<> restore(RestoreContext& context) {
  for (int space : context.spaces("ipc"))
    TRY(context.in_ipc(space, [&]() -> Result<> {
      TRY(restore_shm(context, space));
      TRY(restore_sem(context, space));
      return restore_msg(context, space);
    }));
  return {};
}

Result<> restore_attached(RestoreContext& context) {
  for (int space : context.spaces("ipc"))
    TRY(context.in_ipc(space, [&] { return remove_destroyed_shm(context, space); }));
  return {};
}

}  // namespace appshot::ipc
