#include "trace/injection.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "restorer_stub/first_calls.h"
#include "trace/call_registers.h"
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
constexpr uint64_t kReturnAddressAt = kAreaBytes - 64 - sizeof(uint64_t);

constexpr size_t kPadBytes = 320;  // for the first calls and a return path of 174 bytes
constexpr std::chrono::seconds kEndMax{1};

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

Result<std::unique_ptr<Injection>> Injection::begin(const InjectionTarget& first,
                                                    const RemoteMemory& memory, uint64_t vdso_start,
                                                    uint64_t vdso_length) {
  std::unique_ptr<Injection> injection(
      new Injection(first, memory, TRY(BorrowedThread::borrow(first.thread))));
  TRY(injection->find_pad(vdso_start, vdso_length));
  // Code that is not writable and data that is not executable: a process may forbid both together.
  TRY(injection->start_first_calls(
      appshot_first_calls_begin, SYS_mmap,
      CallArguments(0, kAreaBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  return injection;
}

Injection::~Injection() {
  if (state_ != State::ended) (void)!end(Deadline::in(kEndMax));  // it may be dead
}

// The end of the vdso is memory that every process has and no process uses.
Result<> Injection::find_pad(uint64_t vdso_start, uint64_t vdso_length) {
  std::vector<char> vdso(vdso_length);
  TRY(memory_->read(vdso_start, vdso));
  size_t used = vdso.size();
  while (used > 0 && vdso[used - 1] == 0) --used;
  used = (used + 63) / 64 * 64;
  if (used + kPadBytes > vdso.size())
    return Error(ErrorClass::unsupported, "the kernel's vdso leaves no room for a first call");
  pad_ = vdso_start + used;
  pad_content_.assign(vdso.begin() + static_cast<long>(used),
                      vdso.begin() + static_cast<long>(used + kPadBytes));
  return {};
}

Result<> Injection::start_first_calls(const unsigned char* entry, long number,
                                      const CallArguments& args) {
  std::vector<char> code(appshot_first_calls_begin, appshot_first_calls_end);
  const uint64_t mask = first_.own_mask();
  std::memcpy(code.data() + (appshot_first_calls_mask - appshot_first_calls_begin), &mask,
              sizeof mask);
  std::vector<char> way_out = return_path_code(registers_to_return_to(first_.own_registers()));
  code.insert(code.end(), way_out.begin(), way_out.end());
  CHECK(code.size() <= kPadBytes);
  TRY(memory_->write(pad_, code));

  user_regs_struct registers = registers_for_call(
      first_.own_registers(), pad_ + static_cast<uint64_t>(entry - appshot_first_calls_begin),
      number, args);
  registers.r12 = kDataAt;
  registers.r13 = kAreaBytes - kDataAt;
  registers.r14 = static_cast<uint64_t>(target_.process.value);
  registers.r15 = static_cast<uint64_t>(target_.tid.value);
  registers.rbp = static_cast<uint64_t>(target_.completion_signal);
  return first_.run(registers, target_.completion_signal);
}

Result<user_regs_struct> Injection::finish_first_calls(Deadline deadline) {
  const uint64_t told =
      pad_ + static_cast<uint64_t>(appshot_first_calls_told - appshot_first_calls_begin);
  TRY(first_.wait(deadline));
  user_regs_struct registers = TRY(first_.registers());
  while (registers.rip != told) {
    TRY(first_.run_on(deadline));
    registers = TRY(first_.registers());
  }
  // In this order: the way out that it would take is in the pad.
  TRY(first_.rest());
  TRY(memory_->write(pad_, pad_content_));
  return registers;
}

Result<> Injection::ready(Deadline deadline) {
  if (state_ != State::beginning) return {};
  const user_regs_struct results = TRY(finish_first_calls(deadline));
  state_ = State::ready;
  const auto area = static_cast<int64_t>(results.rbx), data = static_cast<int64_t>(results.r12);
  if (area == -ENOMEM)
    return Error(ErrorClass::refused,
                 "there is no room in its memory to ask it about its state (RLIMIT_AS, or as many "
                 "mappings as there can be)");
  if (area < 0 && area >= -4095)
    return Error::from_errno(static_cast<int>(-area), "mmap in the process");
  area_ = results.rbx;
  if (data < 0) return Error::from_errno(static_cast<int>(-data), "mprotect in the process");
  data_.resize(kDataBytes);
  return {};
}

DataSpace Injection::new_data() { return DataSpace(data_.data(), data_.size(), area_ + kDataAt); }

Result<> Injection::perform(const InjectionTarget& target, CallList& calls, DataSpace& data,
                            Deadline deadline) {
  TRY(start(target, calls, data));
  return finish(calls, data, deadline);
}

Result<> Injection::start(const InjectionTarget& target, CallList& calls, DataSpace& data) {
  CHECK(state_ == State::ready);
  if (&target.thread != &target_.thread) other_.emplace(TRY(BorrowedThread::borrow(target.thread)));
  BorrowedThread& thread = at_work();
  asked_ = calls.calls().size();
  calls.add(SYS_tgkill, target.process.value, target.tid.value, target.completion_signal);
  // From here on only when nobody traces any more (story 2).
  const uint64_t mask = thread.own_mask();
  uint64_t mask_address = data.put(mask);
  calls.add_may_fail(SYS_rt_sigprocmask, SIG_SETMASK, mask_address, 0, sizeof mask);
  TRY(write_work(thread, target, calls, data));

  user_regs_struct inside = thread.own_registers();
  inside.rip = area_;
  inside.rdi = area_ + kTaskAt;
  inside.rsp = area_ + kReturnAddressAt;
  inside.orig_rax = static_cast<unsigned long long>(-1);
  return thread.run(inside, target.completion_signal);
}

Result<> Injection::write_work(const BorrowedThread& thread, const InjectionTarget& target,
                               CallList& calls, DataSpace& data) {
  const size_t call_bytes = calls.calls().size() * sizeof(StubCall);
  if (data.overflowed() || kCallsAt + call_bytes > kAreaBytes - kStackBytes)
    return Error(ErrorClass::other, "too much is asked of a process at once");
  std::vector<char> code(appshot_stub_begin, appshot_stub_end);
  CHECK(code.size() <= kReturnPathAt);
  code.resize(kReturnPathAt);
  std::vector<char> way_out = return_path_code(registers_to_return_to(thread.own_registers()));
  code.insert(code.end(), way_out.begin(), way_out.end());
  TRY(memory_->write(area_, code));

  StubTask task{};
  task.calls = reinterpret_cast<StubCall*>(area_ + kCallsAt);
  task.count = static_cast<uint32_t>(calls.calls().size());
  task.tid = target.tid.value;
  uint64_t return_to = area_ + kReturnPathAt;
  const MemoryPiece pieces[] = {{area_ + kDataAt, data_.data(), data.used()},
                                {area_ + kTaskAt, &task, sizeof task},
                                {area_ + kCallsAt, calls.calls().data(), call_bytes},
                                {area_ + kReturnAddressAt, &return_to, sizeof return_to}};
  return memory_->write_pieces(pieces);
}

Result<> Injection::finish(CallList& calls, DataSpace& data, Deadline deadline) {
  calls.calls().resize(asked_);
  StubTask task{};
  const MemoryPiece pieces[] = {{area_ + kTaskAt, &task, sizeof task},
                                {area_ + kCallsAt, calls.calls().data(), asked_ * sizeof(StubCall)},
                                {area_ + kDataAt, data_.data(), data.used()}};
  TRY(at_work().wait(deadline));
  TRY(memory_->read_pieces(pieces));
  while (task.next < asked_) {
    TRY(at_work().run_on(deadline));
    TRY(memory_->read_pieces(pieces));
  }
  // The next list needs the place of its way out.
  if (!other_) return first_.rest();
  Result<> given_back = other_->give_back();
  other_.reset();
  return given_back;
}

Result<> Injection::begin_end(Deadline deadline) {
  other_.reset();
  if (state_ == State::beginning) (void)!ready(deadline);  // there is no area if that failed
  if (state_ != State::ready || area_ == 0) return {};
  TRY(start_first_calls(appshot_first_calls_last, SYS_munmap, CallArguments(area_, kAreaBytes)));
  state_ = State::ending;
  return {};
}

Result<> Injection::end(Deadline deadline) {
  TRY(begin_end(deadline));
  int64_t result = 0;
  if (state_ == State::ending) result = static_cast<int64_t>(TRY(finish_first_calls(deadline)).r12);
  state_ = State::ended;
  TRY(first_.give_back());
  if (result < 0) return Error::from_errno(static_cast<int>(-result), "munmap in the process");
  return {};
}

void Injection::forget() {
  state_ = State::ended;
  first_.forget();
  if (other_) other_->forget();
}

}  // namespace appshot
