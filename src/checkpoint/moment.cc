#include "checkpoint/moment.h"

#include "checkpoint/preflight.h"
#include "os/proc/process_dir.h"
#include "trace/epoll_time.h"
#include "trace/time_left.h"

namespace appshot {
namespace {

constexpr int kMomentsMax = 5;

Result<Moment> look_at_moment(const InstanceView& instance, Obstacles& obstacles,
                              Deadline deadline) {
  const EpollTimes epoll_times = EpollTimes::look_at(*instance.application);
  Moment moment{TRY(FrozenApplication::freeze(*instance.application, deadline))};
  TRY(epoll_times.shorten(moment.frozen));
  TRY(find_time_left(moment.frozen, deadline));
  std::vector<HostPid> threads;
  for (FrozenProcess& process : moment.frozen.processes()) threads.push_back(process.any().tid());
  moment.sources = TRY(look_at_all(instance, threads, obstacles));
  return moment;
}

// Who is traced by another cannot be held by us, and so would see that it was frozen.
Result<bool> is_traced(const InstanceView& instance) {
  for (pid_t pid : TRY(instance.application->processes())) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    if (!dir) continue;
    Result<proc::Fields> status = dir->status();
    if (status && proc::field_number(*status, "TracerPid") != 0) return true;
  }
  return false;
}

}  // namespace

// Obstacles are looked for in the very moment that would be captured. Some pass: between vfork and
// exec two processes are one for a while. So they are believed only when they are there again.
Result<Moment> hold_moment(const InstanceView& instance, Deadline deadline) {
  if (TRY(is_traced(instance)))
    if (Obstacles lasting = TRY(preflight(instance)); !lasting.empty()) return refusal(lasting);
  for (int moments = 1;; ++moments) {
    Obstacles obstacles;
    Result<Moment> moment = look_at_moment(instance, obstacles, deadline);
    const bool traced = !moment && moment.error().cls() == ErrorClass::refused;
    if (obstacles.empty() && !traced) return moment;
    if (moment) TRY(moment->frozen.resume());
    Obstacles lasting = TRY(preflight(instance));
    if (!lasting.empty()) return refusal(lasting);
    if (moments < kMomentsMax) continue;
    return traced ? std::move(moment) : refusal(obstacles);
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
