#include "image/verify_ipc.h"

#include "image/verify_mounts.h"
#include "image/verify_words.h"

namespace appshot::image {

Result<> verify_ipc(const ImageT& image) {
  for (const auto& shm : image.sysv_shm) {
    if (!inside(shm->object, image.shared_memory.size()) || !shm->permissions ||
        image.shared_memory[static_cast<size_t>(shm->object)]->sysv_space != shm->space)
      return wrong("a shared memory segment");
    TRY(verify_space(image, shm->space, "ipc"));
  }
  for (const auto& sem : image.sysv_sem) {
    if (!sem->permissions) return wrong("a semaphore set");
    TRY(verify_space(image, sem->space, "ipc"));
  }
  for (const auto& queue : image.sysv_queues) {
    if (!queue->permissions) return wrong("a message queue");
    TRY(verify_space(image, queue->space, "ipc"));
  }
  for (const auto& queue : image.message_queues) TRY(verify_space(image, queue->space, "ipc"));
  return {};
}

}  // namespace appshot::image
