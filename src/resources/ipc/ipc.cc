#include "resources/ipc/ipc.h"

#include "resources/ipc/sysv_msg.h"
#include "resources/ipc/sysv_sem.h"
#include "resources/ipc/sysv_shm.h"

namespace appshot::ipc {

Result<> capture(CaptureContext& context) {
  TRY(capture_shm(context));
  TRY(capture_sem(context));
  return capture_msg(context);
}

Result<> restore(RestoreContext& context) {
  TRY(restore_shm(context));
  TRY(restore_sem(context));
  return restore_msg(context);
}

Result<> restore_attached(RestoreContext& context) { return remove_destroyed_shm(context); }

}  // namespace appshot::ipc
