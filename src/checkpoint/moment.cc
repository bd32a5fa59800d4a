#include "checkpoint/moment.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "checkpoint/preflight.h"
#include "checkpoint/track_writes.h"
#include "os/parallel.h"
#include "os/proc/process_dir.h"
#include "trace/epoll_time.h"
#include "trace/time_left.h"

namespace appshot {
namespace {

constexpr int kMomentsMax = 20;
// After the first, and as much more after each: on a busy machine a process that was let go takes a
// while until it waits again as it did, by which it is told what it waits for.
constexpr std::chrono::milliseconds kBetweenMoments{1};
// With so much memory of its own smaps takes a millisecond.
constexpr uint64_t kSlowToCount = 32 << 20;

struct RunningProcesses {
  std::vector<std::optional<proc::ProcessDir>> folders;  // who has ended since has none
  // Who is traced from outside cannot be held by us, and so would see that it was frozen.
  bool traced = false;
};

Result<RunningProcesses> look_at_running(const InstanceView& instance) {
  const std::vector<pid_t> pids = TRY(instance.application->processes());
  RunningProcesses running;
  running.folders.resize(pids.size());
  std::atomic<bool> traced = false;
  in_parallel(pids.size(), [&](size_t i) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pids[i]});
    if (!dir) return;
    Result<proc::Fields> status = dir->status();
    if (status && is_traced_from_outside(instance, *status)) traced = true;
    running.folders[i] = std::move(dir).value();
  });
  running.traced = traced;
  // While they run there is time for it.
  for (const auto& dir : running.folders)
    if (dir && instance.mapping_flags != nullptr && own_memory(*dir) >= kSlowToCount)
      (void)instance.mapping_flags->learn(*dir);
  return running;
}

using AtVfork = FrozenApplication::AtVfork;

Result<FrozenApplication> freeze(const InstanceView& instance, const RunningProcesses& running,
                                 FrozenApplication::Afterwards afterwards, AtVfork at_vfork,
                                 Deadline deadline) {
  const EpollTimes epoll_times = EpollTimes::look_at(running.folders);
  FrozenApplication frozen = TRY(FrozenApplication::freeze(
      *instance.application, afterwards, deadline, instance.kernel_layout, at_vfork));
  TRY(epoll_times.shorten(frozen));
  TRY(find_time_left(frozen, deadline));
  return frozen;
}

Result<Moment> look_at_moment(const InstanceView& instance, const RunningProcesses& running,
                              FrozenApplication::Afterwards afterwards, AtVfork at_vfork,
                              Obstacles& obstacles, Deadline deadline) {
  Moment moment{TRY(freeze(instance, running, afterwards, at_vfork, deadline))};
  std::vector<HostPid> threads;
  for (FrozenProcess& process : moment.frozen.processes()) threads.push_back(process.any());
  Seen seen = TRY(look_at_all(instance, threads, obstacles));
  if (at_vfork == AtVfork::kept) obstacles.allow_vfork();
  moment.sources = std::move(seen.sources);
  moment.mounts = std::move(seen.mounts);
  return moment;
}

}  // namespace

// Obstacles are looked for in the very moment that would be captured. Some pass: between vfork and
// exec two processes are one for a while. So they are believed only when they are there again while
// it runs; what is only there then is not: of processes that come and go fast some are never seen.
Result<Moment> hold_moment(const InstanceView& instance, FrozenApplication::Afterwards afterwards,
                           Deadline deadline) {
  RunningProcesses running = TRY(look_at_running(instance));
  // Who waits in vfork is waited for first, as long as that may be over in a moment.
  AtVfork at_vfork = AtVfork::refused;
  if (running.traced)
    if (Obstacles lasting = TRY(preflight(instance)); !lasting.empty()) return refusal(lasting);
  for (int moments = 1;; ++moments) {
    Obstacles obstacles;
    Result<Moment> moment =
        look_at_moment(instance, running, afterwards, at_vfork, obstacles, deadline);
    const bool cannot_be_held = !moment && moment.error().cls() == ErrorClass::refused;
    if (obstacles.empty() && !cannot_be_held) return moment;
    if (moment) TRY(moment->frozen.resume());
    const bool is_last = moments == kMomentsMax || deadline.passed();
    Obstacles lasting = TRY(preflight(instance));
    if (lasting.at_vfork()) at_vfork = AtVfork::kept;
    if (!cannot_be_held) lasting.keep_common(obstacles);
    if (!lasting.empty() && (!cannot_be_held || is_last)) return refusal(lasting);
    if (is_last) return cannot_be_held ? std::move(moment) : refusal(obstacles);
    std::this_thread::sleep_for(moments * kBetweenMoments);
    running = TRY(look_at_running(instance));
  }
}

Result<FrozenApplication> freeze_unseen(const InstanceView& instance, Deadline deadline) {
  for (int moments = 1;; ++moments) {
    Result<FrozenApplication> frozen =
        freeze(instance, TRY(look_at_running(instance)), FrozenApplication::Afterwards::runs_on,
               AtVfork::kept, deadline);
    const bool cannot_be_held = !frozen && frozen.error().cls() == ErrorClass::refused;
    if (!cannot_be_held || moments == kMomentsMax || deadline.passed()) return frozen;
    std::this_thread::sleep_for(moments * kBetweenMoments);
  }
}

// The words of one obstacle are the message; of several, each is listed behind their number.
Error refusal(const Obstacles& obstacles) {
  const std::vector<Obstacle>& all = obstacles.all();
  if (all.size() > 1)
    return Error(ErrorClass::refused, std::to_string(all.size()) + " obstacles")
        .with_obstacles(all);
  return Error(ErrorClass::refused, all.front().what).hint(all.front().hint).with_obstacles(all);
}

}  // namespace appshot
