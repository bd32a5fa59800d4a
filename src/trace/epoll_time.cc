#include "trace/epoll_time.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>

#include "os/parallel.h"
#include "os/restart.h"

namespace appshot {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
// The kernel's own: a thousandth of the wait, of threads that are nice a two hundredth, but not
// beyond these (fs/select.c).
constexpr int64_t kLeewayPart = 1000, kLeewayPartOfNice = 200;
constexpr int64_t kLeewayMin = 50'000, kLeewayMax = 100 * kMillisecond;
// It goes to sleep once when it is frozen and once when we take hold of it.
constexpr uint64_t kSleepsOfOurs = 2;

bool is_epoll_wait(long number) { return number == SYS_epoll_wait || number == SYS_epoll_pwait; }

uint64_t sleeps_of(const proc::Fields& status) {
  return proc::field_number(status, "voluntary_ctxt_switches");
}

// Computed from what was left when the timer was set: a little less than the whole.
bool has_leeway_of(const proc::Wakeup& timer, int64_t timeout_ms, bool nice) {
  const int64_t most = std::clamp(
      timeout_ms * kMillisecond / (nice ? kLeewayPartOfNice : kLeewayPart), kLeewayMin, kLeewayMax);
  const int64_t has = timer.latest_ns - timer.earliest_ns;
  return has <= most && has >= most - most / 50;
}

}  // namespace

std::vector<EpollTimes::Wait> EpollTimes::waits_of(const proc::ProcessDir& process) {
  std::vector<Wait> waits;
  for (HostPid tid : process.threads().value_or({})) {
    Result<std::string> call = process.record("task/" + std::to_string(tid.value) + "/syscall");
    long number = 0;
    unsigned long timeout = 0;
    if (!call || std::sscanf(call->c_str(), "%ld %*x %*x %*x %lx", &number, &timeout) != 2)
      continue;
    const auto timeout_ms = static_cast<int32_t>(timeout);
    if (!is_epoll_wait(number) || timeout_ms <= 0) continue;
    Result<proc::Fields> status = process.status_of_thread(tid);
    if (status) waits.push_back({tid, timeout_ms, sleeps_of(*status)});
  }
  return waits;
}

EpollTimes EpollTimes::look_at(const std::vector<std::optional<proc::ProcessDir>>& processes) {
  std::vector<std::vector<Wait>> waits(processes.size());
  in_parallel(processes.size(), [&](size_t i) {
    if (processes[i]) waits[i] = waits_of(*processes[i]);
  });
  EpollTimes times;
  for (const auto& of_one : waits)
    times.waits_.insert(times.waits_.end(), of_one.begin(), of_one.end());
  if (!times.waits_.empty()) times.before_ = proc::wakeups().value_or({});
  return times;
}

Result<> EpollTimes::shorten(FrozenApplication& frozen) const {
  if (waits_.empty() || before_.timers.empty()) return {};
  Result<proc::Wakeups> now = proc::wakeups();
  if (!now) return {};
  for (FrozenProcess& process : frozen.processes())
    for (FrozenThread& thread : process.threads)
      for (const Wait& wait : waits_)
        if (wait.tid == thread.tracee.tid() && thread.tracee.is_held())
          TRY(shorten(wait, process, thread.tracee, *now));
  return {};
}

Result<> EpollTimes::shorten(const Wait& wait, const FrozenProcess& process, Tracee& thread,
                             const proc::Wakeups& now) const {
  user_regs_struct registers = TRY(thread.registers());
  if (!is_epoll_wait(static_cast<long>(registers.orig_rax)) ||
      static_cast<int64_t>(registers.rax) != -kErestartnohand ||
      static_cast<int32_t>(registers.r10) != wait.timeout_ms)
    return {};
  // It has come back and begun another wait since.
  if (sleeps_of(TRY(process.dir.status_of_thread(wait.tid))) > wait.sleeps + kSleepsOfOurs)
    return {};
  const bool nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(wait.tid.value)) > 0;
  int64_t left_ns = -1;
  for (const proc::Wakeup& timer : before_.timers) {
    const bool gone = !std::binary_search(now.timers.begin(), now.timers.end(), timer);
    const bool fits = timer.earliest_ns <= before_.now_ns + wait.timeout_ms * kMillisecond;
    if (gone && fits && has_leeway_of(timer, wait.timeout_ms, nice))
      left_ns = std::max(left_ns, timer.earliest_ns - now.now_ns);
  }
  if (left_ns < 0) return {};
  registers.r10 = static_cast<uint64_t>((left_ns + kMillisecond - 1) / kMillisecond);
  return thread.set_registers(registers);
}

}  // namespace appshot
