#include "restore/hold_restored.h"

#include <signal.h>
#include <sys/syscall.h>

#include "init/init.h"
#include "os/proc/process_dir.h"
#include "protocol/error_json.h"
#include "resources/threads/threads.h"

namespace appshot {
namespace {

constexpr unsigned long kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP;

Result<Packet> ask_init(Channel& control, const char* op, Deadline deadline) {
  TRY(control.send({{"op", op}}));
  for (;;) {
    std::optional<Packet> packet = TRY(control.receive(deadline));
    if (!packet) return Error(ErrorClass::gone, "the instance's init has died");
    if (packet->document.contains("event")) continue;  // something that happened meanwhile
    if (!bool_at(packet->document, "ok")) return error_from_json(field(packet->document, "error"));
    return std::move(*packet);
  }
}

}  // namespace

Result<RestoredThreads> RestoredThreads::seize(const image::ImageT& image, const Cgroup& application) {
  std::map<pid_t, std::pair<const image::ProcessT*, const image::ThreadT*>> by_id;
  for (const auto& process : image.processes)
    for (const auto& thread : process->threads) by_id[thread->tid] = {process.get(), thread.get()};
  RestoredThreads threads;
  for (pid_t pid : TRY(application.processes())) {
    proc::ProcessDir dir = TRY(proc::ProcessDir::open(HostPid{pid}));
    for (HostPid tid : TRY(dir.threads())) {
      pid_t id = proc::innermost(TRY(dir.status_of_thread(tid)), "NSpid");
      auto record = by_id.find(id);
      if (record == by_id.end()) continue;  // a leader that is about to end
      Tracee tracee = TRY(Tracee::seize(tid, kOptions));
      threads.held_.push_back({std::move(tracee), HostPid{pid}, record->second.first, record->second.second});
      by_id.erase(record);
    }
  }
  if (!by_id.empty())
    return Error(ErrorClass::gone, "thread " + std::to_string(by_id.begin()->first) + " is missing");
  return threads;
}

Result<> RestoredThreads::put_back(const image::ImageT&, const Zone& zone, Deadline deadline) {
  for (Held& held : held_) TRY(held.tracee.interrupt());
  for (Held& held : held_) {
    StopStatus stop = TRY(held.tracee.wait_stop(deadline));
    if (!stop.interrupted())
      return Error(ErrorClass::other, "thread " + std::to_string(held.thread->tid) + " stopped by signal " +
                                          std::to_string(stop.signal()) + " at the end of its restore");
  }
  const image::ProcessT* unmapped = nullptr;
  for (Held& held : held_) {
    if (held.record != unmapped) TRY(unmap_zone(held.tracee, zone, deadline));
    unmapped = held.record;
    TRY(threads::put_back(held.tracee, *held.thread).within("thread " + std::to_string(held.thread->tid)));
  }
  return {};
}

// The instruction that does it goes with it; the stop on the way out of the call is the last thing
// the thread does there.
Result<> RestoredThreads::unmap_zone(Tracee& thread, const Zone& zone, Deadline deadline) {
  user_regs_struct registers = TRY(thread.registers());
  registers.rip = zone.syscall_instruction();
  registers.rax = SYS_munmap;
  registers.orig_rax = static_cast<unsigned long long>(-1);
  registers.rdi = zone.address();
  registers.rsi = zone.length();
  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(registers));
  for (int stops = 0; stops < 2; ++stops) {
    TRY(thread.resume_to_syscall());
    StopStatus stop = TRY(thread.wait_stop(deadline));
    if (!stop.syscall()) return Error(ErrorClass::other, "a restored thread did not let go of the restore zone");
  }
  auto result = static_cast<int64_t>(TRY(thread.registers()).rax);
  if (result != 0) return Error::from_errno(static_cast<int>(-result), "munmap of the restore zone");
  return {};
}

Result<> RestoredThreads::release() {
  for (Held& held : held_) {
    bool leader = held.thread == held.record->threads.front().get();
    if (held.record->state == image::ProcessState::stopped && leader)
      TRY_SYS(::kill(held.process.value, held.record->stop_signal));
    TRY(held.tracee.detach());
  }
  held_.clear();
  return {};
}

Result<UniqueFd> fetch_terminal(Channel& control, Deadline deadline) {
  Packet packet = TRY(ask_init(control, init_op::kFetch, deadline));
  std::vector<std::string> names = strings_at(packet.document, "names");
  for (size_t i = 0; i < names.size() && i < packet.fds.size(); ++i)
    if (names[i] == "terminal") return std::move(packet.fds[i]);
  return Error(ErrorClass::other, "init has no terminal");
}

Result<> commit_init(Channel& control, Deadline deadline) {
  TRY(ask_init(control, init_op::kCommit, deadline));
  return {};
}

}  // namespace appshot
