#include "trace/injection.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/check.h"
#include "trace/call_registers.h"
#include "trace/group_stops.h"
#include "trace/return_path.h"

namespace appshot {
namespace {

// The area: code, then data, then the calls, then a stack that grows down to them.
constexpr uint64_t kCodeBytes = 4096;
constexpr uint64_t kReturnPathAt = 3072;  // the stub must end before it
constexpr uint64_t kDataBytes = 24 * 1024;
constexpr uint64_t kCallBytes = 32 * 1024;
constexpr uint64_t kStackBytes = 4096;
constexpr uint64_t kDataAt = kCodeBytes;
constexpr uint64_t kTaskAt = kDataAt + kDataBytes;
constexpr uint64_t kCallsAt = kTaskAt + 128;
constexpr uint64_t kAreaBytes = kTaskAt + kCallBytes + kStackBytes;

// A first call needs `syscall` and a return path: 2 + 16 * 10 + 14 bytes.
constexpr size_t kPadBytes = 192;

uint64_t bit(int signal) { return 1ULL << (signal - 1); }

}  // namespace

int pick_completion_signal(uint64_t ignored, uint64_t caught, uint64_t pending) {
  const int harmless[] = {SIGURG, SIGWINCH, SIGCHLD};
  for (int signal : harmless)
    if ((caught & bit(signal)) == 0 && (pending & bit(signal)) == 0) return signal;
  for (int signal = 1; signal <= 31; ++signal)
    if ((ignored & bit(signal)) != 0 && (pending & bit(signal)) == 0) return signal;
  // All are caught: a handler for one of these is written to be called for no reason.
  for (int signal : harmless)
    if ((pending & bit(signal)) == 0) return signal;
  return SIGURG;
}

uint64_t Injection::area_length() const { return kAreaBytes; }

Result<Injection> Injection::begin(Tracee& thread, const RemoteMemory& memory, uint64_t vdso_start,
                                   uint64_t vdso_length, Deadline deadline) {
  Injection injection(memory);
  std::vector<char> vdso(vdso_length);
  TRY(memory.read(vdso_start, vdso));
  size_t used = vdso.size();
  while (used > 0 && vdso[used - 1] == 0) --used;
  used = (used + 63) / 64 * 64;
  if (used + kPadBytes > vdso.size())
    return Error(ErrorClass::unsupported, "the kernel's vdso leaves no room for a first call");
  injection.pad_ = vdso_start + used;
  injection.pad_content_.assign(vdso.begin() + static_cast<long>(used),
                                vdso.begin() + static_cast<long>(used + kPadBytes));

  // Code that is not writable and data that is not executable: a process may forbid both together.
  int64_t area = TRY(injection.single_call(
      thread, SYS_mmap,
      CallArguments(0, kAreaBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      deadline));
  if (area < 0 && area >= -4095)
    return Error::from_errno(static_cast<int>(-area), "mmap in the process");
  injection.area_ = static_cast<uint64_t>(area);
  int64_t data = TRY(injection.single_call(
      thread, SYS_mprotect,
      CallArguments(injection.area_ + kDataAt, kAreaBytes - kDataAt, PROT_READ | PROT_WRITE),
      deadline));
  if (data < 0) return Error::from_errno(static_cast<int>(-data), "mprotect in the process");

  size_t length = static_cast<size_t>(appshot_stub_end - appshot_stub_begin);
  CHECK(length <= kReturnPathAt);
  TRY(memory.write(injection.area_, {reinterpret_cast<const char*>(appshot_stub_begin), length}));
  injection.data_.resize(kDataBytes);
  return injection;
}

DataSpace Injection::new_data() { return DataSpace(data_.data(), data_.size(), area_ + kDataAt); }

Result<> Injection::perform(const InjectionTarget& target, CallList& calls, DataSpace& data,
                            Deadline deadline) {
  Tracee& thread = target.thread;
  const user_regs_struct before = TRY(thread.registers());
  const uint64_t mask = TRY(thread.blocked_signals());

  size_t asked = calls.calls().size();
  calls.add(SYS_tgkill, target.process.value, target.tid.value, target.completion_signal);
  // From here on only when nobody traces any more (story 2).
  uint64_t mask_address = data.put(mask);
  calls.add_may_fail(SYS_rt_sigprocmask, SIG_SETMASK, mask_address, 0, sizeof mask);
  size_t call_bytes = calls.calls().size() * sizeof(StubCall);
  if (data.overflowed() || kCallsAt + call_bytes > kAreaBytes - kStackBytes)
    return Error(ErrorClass::other, "too much is asked of a process at once");

  std::vector<char> way_out = return_path_code(registers_to_return_to(before));
  TRY(memory_->write(area_ + kReturnPathAt, way_out));
  if (data.used() > 0) TRY(memory_->write(area_ + kDataAt, {data_.data(), data.used()}));
  StubTask task{};
  task.calls = reinterpret_cast<StubCall*>(area_ + kCallsAt);
  task.count = static_cast<uint32_t>(calls.calls().size());
  task.tid = target.tid.value;
  std::vector<char> work(kCallsAt - kTaskAt + call_bytes);
  std::memcpy(work.data(), &task, sizeof task);
  std::memcpy(work.data() + (kCallsAt - kTaskAt), calls.calls().data(), call_bytes);
  TRY(memory_->write(area_ + kTaskAt, work));
  const uint64_t stack = area_ + kAreaBytes - 64;
  const uint64_t return_to = area_ + kReturnPathAt;
  TRY(memory_->write(stack - 8, {reinterpret_cast<const char*>(&return_to), sizeof return_to}));

  user_regs_struct inside = before;
  inside.rip = area_;
  inside.rdi = area_ + kTaskAt;
  inside.rsp = stack - 8;
  inside.orig_rax = static_cast<unsigned long long>(-1);
  TRY(thread.block_signals(~bit(target.completion_signal)));
  TRY(thread.set_registers(inside));
  TRY(thread.resume());
  StopStatus stop = TRY(wait_past_group_stops(thread, &Tracee::resume_plainly, deadline));
  bool done = stop.delivering() && stop.signal() == target.completion_signal;
  TRY(thread.set_registers(before));
  TRY(thread.block_signals(mask));
  if (!done)
    return Error(ErrorClass::other, "thread " + std::to_string(thread.tid().value) +
                                        " stopped by signal " + std::to_string(stop.signal()) +
                                        " while it was asked about its state");

  calls.calls().resize(asked);
  TRY(memory_->read(area_ + kCallsAt,
                    {reinterpret_cast<char*>(calls.calls().data()), asked * sizeof(StubCall)}));
  if (data.used() > 0) TRY(memory_->read(area_ + kDataAt, {data_.data(), data.used()}));
  return {};
}

Result<> Injection::end(Tracee& thread, Deadline deadline) {
  if (area_ == 0) return {};
  int64_t result = TRY(single_call(thread, SYS_munmap, CallArguments(area_, kAreaBytes), deadline));
  area_ = 0;
  if (result < 0) return Error::from_errno(static_cast<int>(-result), "munmap in the process");
  return {};
}

// One call at the end of the vdso, which every process has and no process uses: `syscall`, and the
// thread's own way back behind it.
Result<int64_t> Injection::single_call(Tracee& thread, long number, const CallArguments& args,
                                       Deadline deadline) {
  const user_regs_struct before = TRY(thread.registers());
  const uint64_t mask = TRY(thread.blocked_signals());
  std::vector<char> code = {0x0f, 0x05};
  std::vector<char> way_out = return_path_code(registers_to_return_to(before));
  code.insert(code.end(), way_out.begin(), way_out.end());
  CHECK(code.size() <= kPadBytes);
  TRY(memory_->write(pad_, code));

  TRY(thread.block_signals(~0ULL));
  TRY(thread.set_registers(registers_for_call(before, pad_, number, args)));
  int64_t result = 0;
  for (int stops = 0; stops < 2; ++stops) {  // on entry, on exit
    TRY(thread.resume_to_syscall());
    StopStatus stop = TRY(wait_past_group_stops(thread, &Tracee::resume_to_syscall, deadline));
    if (!stop.syscall())
      return Error(ErrorClass::other, "thread " + std::to_string(thread.tid().value) +
                                          " stopped by signal " + std::to_string(stop.signal()) +
                                          " in a first call");
  }
  result = static_cast<int64_t>(TRY(thread.registers()).rax);
  TRY(thread.set_registers(before));
  TRY(thread.block_signals(mask));
  TRY(memory_->write(pad_, pad_content_));
  return result;
}

}  // namespace appshot
