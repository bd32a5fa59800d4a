#include "resources/ipc/sysv_sem.h"

#include <sys/sem.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "resources/acting.h"
#include "resources/ipc/permissions.h"

namespace appshot::ipc {
namespace {

union Argument {
  int value;
  semid_ds* state;
  unsigned short* array;
  seminfo* info;
};

std::string words(int id) { return "semaphore set " + std::to_string(id); }

Result<std::unique_ptr<image::SysvSemT>> capture_set(int id, const semid_ds& state) {
  auto set = std::make_unique<image::SysvSemT>();
  set->permissions = describe(state.sem_perm, id);
  set->operated = state.sem_otime != 0;
  set->values.resize(state.sem_nsems);
  TRY_SYS(::semctl(id, 0, GETALL, Argument{.array = set->values.data()}));
  return set;
}

Result<> restore_set(const image::SysvSemT& set) {
  const image::IpcPermissionsT& permissions = *set.permissions;
  const int id = permissions.id;
  TRY(make_with_id("sem", permissions, 0, [&] {
    return ::semget(permissions.key, static_cast<int>(set.values.size()),
                    IPC_CREAT | IPC_EXCL | static_cast<int>(permissions.mode));
  }));
  if (set.operated) {
    sembuf nothing{0, 0, IPC_NOWAIT};  // waits for zero, which it is
    TRY_SYS(::semop(id, &nothing, 1));
  }
  // Each value is set by the process that a program finds (GETPID) to have done it.
  for (pid_t pid : std::set<pid_t>(set.pids.begin(), set.pids.end())) {
    TRY(act_as(pid, [&] {
      for (size_t i = 0; i < std::min(set.pids.size(), set.values.size()); ++i) {
        if (set.pids[i] != pid || (pid == 0 && set.values[i] == 0)) continue;
        if (::semctl(id, static_cast<int>(i), SETVAL, Argument{.value = set.values[i]}) != 0)
          return errno;
      }
      return 0;
    }));
  }
  semid_ds state{};
  TRY_SYS(::semctl(id, 0, IPC_STAT, Argument{.state = &state}));
  give(permissions, state.sem_perm);
  TRY_SYS(::semctl(id, 0, IPC_SET, Argument{.state = &state}));
  return {};
}

}  // namespace

Result<> capture_sem(CaptureContext& context, int space) {
  seminfo info{};
  int highest = TRY_SYS(::semctl(0, 0, SEM_INFO, Argument{.info = &info}));
  std::vector<std::unique_ptr<image::SysvSemT>> sets;
  size_t semaphores = 0;
  for (int index = 0; index <= highest; ++index) {
    semid_ds state{};
    int id = ::semctl(index, 0, SEM_STAT, Argument{.state = &state});
    if (id < 0 && (errno == EINVAL || errno == EIDRM)) continue;  // no set has this index
    if (id < 0) return Error::from_errno(errno, "semctl(SEM_STAT)");
    sets.push_back(TRY(capture_set(id, state).within(words(id))));
    sets.back()->space = space;
    semaphores += sets.back()->values.size();
  }
  std::vector<int> pids = TRY(ask_inside(context.instance.init, semaphores, [&](int* out) {
    for (const auto& set : sets)
      for (size_t i = 0; i < set->values.size(); ++i)
        *out++ = ::semctl(set->permissions->id, static_cast<int>(i), GETPID, Argument{});
  }));
  auto next = pids.begin();
  for (auto& set : sets) {
    auto end = next + static_cast<std::ptrdiff_t>(set->values.size());
    set->pids.assign(next, end);
    next = end;
  }
  std::ranges::move(sets, std::back_inserter(context.image.sysv_sem));
  return {};
}

Result<> restore_sem(RestoreContext& context, int space) {
  for (const auto& set : context.image.sysv_sem)
    if (set->space == space) TRY(restore_set(*set).within(words(set->permissions->id)));
  return {};
}

}  // namespace appshot::ipc
