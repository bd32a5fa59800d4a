#include "trace/tracer_hand.h"

#include <elf.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>

#include "os/proc/process_dir.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kAnswerMax{10};
constexpr uint64_t kMaskBytes = 8;

uint64_t bit(int signal) { return 1ULL << (signal - 1); }
// In each pid namespace that it is seen in from ours on.
std::vector<pid_t> ids_in(const proc::Fields& status) {
  std::istringstream ids(proc::field(status, "NSpid"));
  return {std::istream_iterator<pid_t>(ids), {}};
}

Deadline soon() { return Deadline::in(kAnswerMax); }

}  // namespace

Result<std::unique_ptr<TracerHand>> TracerHand::take(const TracerThread& tracer) {
  proc::ProcessDir dir = TRY(proc::ProcessDir::open(tracer.process));
  const proc::Fields status = TRY(dir.status());
  const proc::Fields own = TRY(dir.status_of_thread(tracer.thread->tid()));
  const uint64_t pending =
      proc::field_number(status, "ShdPnd", 16) | proc::field_number(own, "SigPnd", 16);
  const std::vector<proc::Mapping> mappings = TRY(dir.mapped_ranges());
  const auto vdso = std::ranges::find(mappings, "[vdso]", &proc::Mapping::name);
  if (vdso == mappings.end())
    return Error(ErrorClass::refused, "process " + std::to_string(tracer.process_id.value) +
                                          ", which traces others, has no vdso");
  std::unique_ptr<TracerHand> hand(
      new TracerHand(TRY(RemoteMemory::open(tracer.process)), (pending & bit(SIGCHLD)) != 0));
  hand->tracer_ = tracer;
  hand->depth_ = ids_in(own).size();
  // It is signalled by those that it traces.
  hand->completion_signal_ =
      pick_completion_signal(proc::field_number(status, "SigIgn", 16),
                             proc::field_number(status, "SigCgt", 16), pending | bit(SIGCHLD));
  hand->injection_ =
      TRY(Injection::begin(hand->target(), hand->memory_, vdso->start, vdso->end - vdso->start));
  TRY(hand->injection_->ready(soon()));
  return hand;
}

TracerHand::~TracerHand() {
  if (injection_) (void)!let_go();  // it may be dead
}

Result<VirtualPid> TracerHand::id_of(HostPid process, HostPid tid) const {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(process));
  const std::vector<pid_t> ids = ids_in(TRY(dir.status_of_thread(tid)));
  if (depth_ != 0 && depth_ <= ids.size()) return VirtualPid{ids[depth_ - 1]};
  return Error(ErrorClass::refused, "a thread is traced by one that cannot name it");
}

InjectionTarget TracerHand::target() const {
  return {*tracer_.thread, tracer_.own_process_id, tracer_.own_id, completion_signal_};
}

Result<int64_t> TracerHand::perform(CallList& calls, DataSpace& data) {
  TRY(injection_->perform(target(), calls, data, soon()));
  return calls.result(0);
}

Result<int64_t> TracerHand::try_request(long request, VirtualPid of, uint64_t address,
                                        uint64_t data) {
  CallList calls;
  DataSpace none = injection_->new_data();
  calls.add_may_fail(SYS_ptrace, request, of.value, address, data);
  return perform(calls, none);
}

Result<> TracerHand::request(long request, VirtualPid of, uint64_t address, uint64_t data) {
  const int64_t result = TRY(try_request(request, of, address, data));
  if (result >= 0) return {};
  return Error::from_errno(static_cast<int>(-result),
                           "ptrace(" + std::to_string(request) + ", " + std::to_string(of.value) +
                               ") by its tracer " + std::to_string(tracer_.id.value));
}

Result<int64_t> TracerHand::request_with(long request, VirtualPid of, uint64_t address, void* bytes,
                                         size_t length) {
  CallList calls;
  DataSpace data = injection_->new_data();
  const uint64_t there = data.put(bytes, length);
  calls.add_may_fail(SYS_ptrace, request, of.value, address, there);
  const int64_t result = TRY(perform(calls, data));
  if (result < 0)
    return Error::from_errno(static_cast<int>(-result),
                             "ptrace(" + std::to_string(request) + ", " + std::to_string(of.value) +
                                 ") by its tracer " + std::to_string(tracer_.id.value));
  std::memcpy(bytes, data.here(there), length);
  return result;
}

Result<user_regs_struct> TracerHand::registers(VirtualPid of) {
  CallList calls;
  DataSpace data = injection_->new_data();
  const uint64_t at = data.reserve(sizeof(user_regs_struct));
  const uint64_t part = data.put(iovec{reinterpret_cast<void*>(at), sizeof(user_regs_struct)});
  calls.add_may_fail(SYS_ptrace, PTRACE_GETREGSET, of.value, NT_PRSTATUS, part);
  if (const int64_t result = TRY(perform(calls, data)); result < 0)
    return Error::from_errno(static_cast<int>(-result), "ptrace(PTRACE_GETREGSET) by a tracer");
  user_regs_struct registers;
  std::memcpy(&registers, data.here(at), sizeof registers);
  return registers;
}

Result<> TracerHand::set_registers(VirtualPid of, const user_regs_struct& registers) {
  CallList calls;
  DataSpace data = injection_->new_data();
  const uint64_t at = data.put(registers);
  const uint64_t part = data.put(iovec{reinterpret_cast<void*>(at), sizeof registers});
  calls.add_may_fail(SYS_ptrace, PTRACE_SETREGSET, of.value, NT_PRSTATUS, part);
  if (const int64_t result = TRY(perform(calls, data)); result < 0)
    return Error::from_errno(static_cast<int>(-result), "ptrace(PTRACE_SETREGSET) by a tracer");
  return {};
}

Result<> TracerHand::block_signals(VirtualPid of, uint64_t mask) {
  TRY(request_with(PTRACE_SETSIGMASK, of, kMaskBytes, &mask, sizeof mask));
  return {};
}

Result<bool> TracerHand::has_news(VirtualPid of) {
  CallList calls;
  DataSpace data = injection_->new_data();
  const uint64_t told = data.put(siginfo_t{});
  calls.add_may_fail(SYS_waitid, P_PID, of.value, told, WSTOPPED | WNOHANG | WNOWAIT | __WALL, 0);
  if (const int64_t result = TRY(perform(calls, data)); result < 0)
    return Error::from_errno(static_cast<int>(-result), "waitid by a tracer");
  siginfo_t info;
  std::memcpy(&info, data.here(told), sizeof info);
  return info.si_pid != 0;
}

Result<> TracerHand::hear_news(VirtualPid of) {
  CallList calls;
  DataSpace data = injection_->new_data();
  calls.add_may_fail(SYS_wait4, of.value, 0, WNOHANG | __WALL, 0);
  const int64_t result = TRY(perform(calls, data));
  if (result == of.value) return {};
  return Error(ErrorClass::other, "thread " + std::to_string(of.value) +
                                      " has not told its tracer that it stopped again");
}

Result<bool> TracerHand::may_trace(VirtualPid of, uint64_t readable) {
  CallList calls;
  DataSpace data = injection_->new_data();
  const uint64_t byte = data.reserve(1);
  const uint64_t here = data.put(iovec{reinterpret_cast<void*>(byte), 1});
  const uint64_t there = data.put(iovec{reinterpret_cast<void*>(readable), 1});
  calls.add_may_fail(SYS_process_vm_readv, of.value, here, 1, there, 1, 0);
  return TRY(perform(calls, data)) == 1;
}

Result<> TracerHand::let_go() {
  const std::unique_ptr<Injection> injection = std::move(injection_);
  if (!had_child_signal_) {
    CallList calls;
    DataSpace data = injection->new_data();
    const uint64_t mask = data.put(bit(SIGCHLD));
    const uint64_t at_once = data.put(timespec{});
    calls.add_may_fail(SYS_rt_sigtimedwait, mask, 0, at_once, kMaskBytes);
    TRY(injection->perform(target(), calls, data, soon()));
  }
  return injection->end(soon());
}

}  // namespace appshot
