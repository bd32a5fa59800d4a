#include "resources/ipc/ipc.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

namespace appshot::ipc {
namespace {

struct Counted {
  const char* what;
  int used;
};

}  // namespace

Result<> capture(CaptureContext& context) {
  shm_info shm{};
  seminfo sem{};
  msginfo msg{};
  TRY_SYS(::shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&shm)));
  union {
    int value;
    semid_ds* buffer;
    unsigned short* array;
    seminfo* info;
  } argument{};
  argument.info = &sem;
  TRY_SYS(::semctl(0, 0, SEM_INFO, argument));
  TRY_SYS(::msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&msg)));
  for (const Counted& kind : {Counted{"SysV shared memory segments", shm.used_ids},
                              Counted{"SysV semaphore sets", sem.semusz}, Counted{"SysV message queues", msg.msgpool}})
    if (kind.used > 0)
      context.obstacles.add("the application has " + std::to_string(kind.used) + " " + kind.what +
                                ", which this version cannot capture yet",
                            "remove them (ipcrm) before the snapshot");
  return {};
}

Result<> restore(RestoreContext&) { return {}; }

}  // namespace appshot::ipc
