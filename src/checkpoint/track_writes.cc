#include "checkpoint/track_writes.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "image/format.h"
#include "os/kcmp.h"
#include "os/pidfd.h"
#include "trace/injection.h"

namespace appshot {
namespace {

// One process that makes its descriptor, in steps, so that all of them work at the same time.
class Newcomer {
 public:
  static Result<std::unique_ptr<Newcomer>> begin(FrozenProcess& process, FrozenThread& thread) {
    const HostPid tid = thread.tracee.tid();
    std::unique_ptr<Newcomer> newcomer(new Newcomer(process, TRY(RemoteMemory::open(tid))));
    newcomer->mappings_ = TRY(TRY(proc::ProcessDir::open(tid)).mapped_ranges());
    const proc::Mapping* vdso = nullptr;
    for (const proc::Mapping& mapping : newcomer->mappings_)
      if (mapping.name == "[vdso]") vdso = &mapping;
    if (vdso == nullptr) return Error(ErrorClass::refused, "it has no vdso");
    const proc::Fields status = TRY(process.dir.status());
    auto mask = [&](const char* key) { return proc::field_number(status, key, 16); };
    const int done =
        pick_completion_signal(mask("SigIgn"), mask("SigCgt"), mask("ShdPnd") | mask("SigPnd"));
    newcomer->target_.emplace(InjectionTarget{thread.tracee, process.own_id, thread.own_id, done});
    newcomer->injection_ =
        TRY(Injection::begin(*newcomer->target_, newcomer->memory_, vdso->start, vdso->length()));
    return newcomer;
  }

  Result<> make(Deadline deadline) {
    TRY(injection_->ready(deadline));
    data_ = injection_->new_data();
    made_ = calls_.add_may_fail(SYS_userfaultfd, WriteTracking::kCallFlags);
    TRY(injection_->start(*target_, calls_, data_));
    works_ = true;
    return {};
  }

  // Its process is left without the descriptor, whoever else has failed.
  Result<> take(Deadline deadline) {
    if (!works_) return {};
    TRY(injection_->finish(calls_, data_, deadline));
    const auto descriptor = static_cast<int>(calls_.result(made_));
    if (descriptor < 0) return injection_->begin_end(deadline);
    Result<UniqueFd> copy = TRY(Pidfd::open(process_.pid)).take_copy(descriptor);
    CallList close;
    DataSpace nothing = injection_->new_data();
    close.add(SYS_close, descriptor);
    TRY(injection_->perform(*target_, close, nothing, deadline));
    TRY(injection_->begin_end(deadline));
    if (Result<WriteTracking> writes = WriteTracking::begin(TRY(std::move(copy))); writes)
      writes_ = std::move(writes).value();
    return {};
  }

  Result<> end(MemoryTracks& tracks, Deadline deadline) {
    TRY(injection_->end(deadline));
    if (!writes_) return {};
    const HostPid tid = process_.any();
    const proc::Stat stat = TRY(TRY(proc::ProcessDir::open(tid)).stat());
    tracks.begin(tid, stat.start_time, std::move(*writes_), process_.id);
    return {};
  }

 private:
  Newcomer(FrozenProcess& process, RemoteMemory memory)
      : process_(process), memory_(std::move(memory)), data_(nullptr, 0, 0) {}

  FrozenProcess& process_;
  const RemoteMemory memory_;
  std::vector<proc::Mapping> mappings_;
  std::optional<InjectionTarget> target_;
  std::unique_ptr<Injection> injection_;
  CallList calls_;
  DataSpace data_;
  size_t made_ = 0;
  bool works_ = false;
  std::optional<WriteTracking> writes_;
};

// One memory is tracked once, through the process that has had it first.
bool shares_with_parent(const FrozenProcess& process, pid_t parent, FrozenApplication& frozen) {
  return std::ranges::any_of(frozen.processes(), [&](const FrozenProcess& other) {
    return other.pid.value == parent && share(other.pid, process.pid, SharedPart::memory);
  });
}

}  // namespace

uint64_t own_memory(const proc::ProcessDir& process) {
  const std::string statm = process.read("statm").value_or("");
  unsigned long long all = 0, resident = 0, of_files = 0;
  if (std::sscanf(statm.c_str(), "%llu %llu %llu", &all, &resident, &of_files) != 3) return 0;
  return (resident - std::min(resident, of_files)) * image::kPageSize;
}

Result<> begin_tracking(FrozenApplication& frozen, MemoryTracks& tracks, Deadline deadline) {
  std::vector<std::unique_ptr<Newcomer>> newcomers;
  for (FrozenProcess& process : frozen.processes()) {
    if (process.leader_exited || own_memory(process.dir) < kWorthTracking) continue;
    const HostPid tid = process.any();
    const proc::Stat stat = TRY(process.dir.stat());
    if (tracks.find(tid, stat.start_time) != nullptr) continue;
    if (shares_with_parent(process, stat.parent, frozen)) continue;
    // Without a thread that can be asked it is read as a whole when it stands still.
    if (FrozenThread* thread = process.held())
      newcomers.push_back(TRY(Newcomer::begin(process, *thread)));
  }
  Result<> done;
  auto note = [&](Result<> result) {
    // One that has no room for it is not tracked.
    if (!result && done && result.error().cls() != ErrorClass::refused) done = std::move(result);
  };
  for (auto& newcomer : newcomers)
    if (done) note(newcomer->make(deadline));
  for (auto& newcomer : newcomers) note(newcomer->take(deadline));
  TRY(std::move(done));
  for (auto& newcomer : newcomers) TRY(newcomer->end(tracks, deadline));
  return {};
}

}  // namespace appshot
