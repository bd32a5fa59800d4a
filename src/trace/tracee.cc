#include "trace/tracee.h"

#include <elf.h>
#include <linux/filter.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <utility>

namespace appshot {
namespace {

Error ptrace_error(int err, const char* request, HostPid tid) {
  return Error::from_errno(
      err, std::string("ptrace(") + request + ", " + std::to_string(tid.value) + ")");
}

#define TRY_PTRACE(request, address, data)                               \
  ({                                                                     \
    long ptrace_value_ = ::ptrace(request, tid_.value, address, data);   \
    if (ptrace_value_ == -1) return ptrace_error(errno, #request, tid_); \
    ptrace_value_;                                                       \
  })

// The largest extended state any processor has today is below this (AMX: 11 KiB).
constexpr size_t kXstateBytesMax = 16384;
constexpr std::chrono::seconds kLetGoMax{1};

constexpr size_t kDebugRegisters[] = {0, 1, 2, 3, 6, 7};

size_t debug_register(size_t index) {
  return offsetof(user, u_debugreg) + kDebugRegisters[index] * sizeof(uint64_t);
}

}  // namespace

bool StopStatus::exited() const { return WIFEXITED(status_) || WIFSIGNALED(status_); }
bool StopStatus::interrupted() const {
  return status_ >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status_) == SIGTRAP;
}
bool StopStatus::group_stopped() const {
  return status_ >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status_) != SIGTRAP;
}
bool StopStatus::syscall() const {
  return WIFSTOPPED(status_) && WSTOPSIG(status_) == (SIGTRAP | 0x80);
}
bool StopStatus::has_made_child() const {
  return status_ >> 8 == (SIGTRAP | PTRACE_EVENT_VFORK << 8);
}
bool StopStatus::delivering() const {
  return WIFSTOPPED(status_) && status_ >> 16 == 0 && !syscall();
}
int StopStatus::signal() const { return WSTOPSIG(status_); }

Result<Tracee> Tracee::seize(HostPid tid, unsigned long options) {
  if (::ptrace(PTRACE_SEIZE, tid.value, 0, options) == -1)
    return ptrace_error(errno, "PTRACE_SEIZE", tid);
  return Tracee(tid, true);
}

Tracee& Tracee::operator=(Tracee&& other) noexcept {
  std::swap(tid_, other.tid_);
  std::swap(held_, other.held_);
  return *this;
}

Tracee::~Tracee() {
  if (tid_.value == 0 || !held_ || ::ptrace(PTRACE_DETACH, tid_.value, 0, 0) == 0) return;
  // Detaching works only on a stopped thread. A running one would stop at its next signal, for
  // ever; a dead one is nobody else's to reap, and until then its process is not dead to its
  // parent.
  ::ptrace(PTRACE_INTERRUPT, tid_.value, 0, 0);
  Result<StopStatus> stop = wait_stop(Deadline::in(kLetGoMax));
  if (!stop) return;  // it has ended, or is so deep in the kernel that nothing can be done
  long signal = stop->delivering() ? stop->signal() : 0;
  ::ptrace(PTRACE_DETACH, tid_.value, 0, signal);
}

Result<> Tracee::interrupt() {
  TRY_PTRACE(PTRACE_INTERRUPT, 0, 0);
  return {};
}

void wait_for_news(Deadline deadline) {
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  // SIGCHLD is blocked in every program that traces, so none is lost between waitpid and here;
  // it may be about another thread, and two may be merged into one, hence the cap.
  const int slice = std::min(deadline.left_ms(), 20);
  timespec timeout{slice / 1000, (slice % 1000) * 1'000'000L};
  ::sigtimedwait(&child_signal, nullptr, &timeout);
}

bool Tracee::has_ended() {
  Result<std::optional<StopStatus>> stop = try_wait_stop();
  return !stop && stop.error().cls() == ErrorClass::gone;
}

Result<StopStatus> Tracee::wait_stop(Deadline deadline) {
  for (;;) {
    if (std::optional<StopStatus> stop = TRY(try_wait_stop())) return *stop;
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "thread " + std::to_string(tid_.value) + " did not stop in time");
    wait_for_news(deadline);
  }
}

Result<std::optional<StopStatus>> Tracee::try_wait_stop() {
  int status = 0;
  pid_t got = ::waitpid(tid_.value, &status, __WALL | WNOHANG);
  if (got < 0 && errno != EINTR) return Error::from_errno(errno, "waitpid").as(ErrorClass::gone);
  if (got <= 0) return std::optional<StopStatus>();
  StopStatus stop(status);
  if (stop.exited()) {
    pid_t gone = std::exchange(tid_, HostPid{}).value;
    return Error(ErrorClass::gone, "thread " + std::to_string(gone) + " has ended");
  }
  return std::optional<StopStatus>(stop);
}

Result<> Tracee::resume(int signal) {
  TRY_PTRACE(PTRACE_CONT, 0, static_cast<long>(signal));
  return {};
}

Result<> Tracee::resume_to_syscall() {
  TRY_PTRACE(PTRACE_SYSCALL, 0, 0L);
  return {};
}

Result<> Tracee::detach(int signal) {
  TRY_PTRACE(PTRACE_DETACH, 0, static_cast<long>(signal));
  tid_ = HostPid{};
  return {};
}

Result<> Tracee::set_options(unsigned long options) {
  TRY_PTRACE(PTRACE_SETOPTIONS, 0, options);
  return {};
}

Result<HostPid> Tracee::who_was_born() const {
  unsigned long tid = 0;
  TRY_PTRACE(PTRACE_GETEVENTMSG, 0, &tid);
  return HostPid{static_cast<pid_t>(tid)};
}

Result<user_regs_struct> Tracee::registers() const {
  user_regs_struct registers{};
  iovec part{&registers, sizeof registers};
  TRY_PTRACE(PTRACE_GETREGSET, NT_PRSTATUS, &part);
  if (part.iov_len != sizeof registers)
    return Error(ErrorClass::refused, "thread " + std::to_string(tid_.value) +
                                          " runs 32-bit code, which cannot be captured");
  return registers;
}

Result<> Tracee::set_registers(const user_regs_struct& registers) {
  user_regs_struct copy = registers;
  iovec part{&copy, sizeof copy};
  TRY_PTRACE(PTRACE_SETREGSET, NT_PRSTATUS, &part);
  return {};
}

Result<std::vector<uint8_t>> Tracee::xstate() const {
  std::vector<uint8_t> state(kXstateBytesMax);
  iovec part{state.data(), state.size()};
  TRY_PTRACE(PTRACE_GETREGSET, NT_X86_XSTATE, &part);
  state.resize(part.iov_len);
  return state;
}

Result<> Tracee::set_xstate(std::span<const uint8_t> xstate) {
  iovec part{const_cast<uint8_t*>(xstate.data()), xstate.size()};
  TRY_PTRACE(PTRACE_SETREGSET, NT_X86_XSTATE, &part);
  return {};
}

Result<std::vector<uint64_t>> Tracee::debug_registers() const {
  std::vector<uint64_t> values(std::size(kDebugRegisters));
  // The last of them tells whether any is in use.
  for (size_t i = values.size(); i-- > 0;) {
    errno = 0;  // any value may be one of them
    const long value = ::ptrace(PTRACE_PEEKUSER, tid_.value, debug_register(i), 0);
    if (errno != 0) return ptrace_error(errno, "PTRACE_PEEKUSER", tid_);
    values[i] = static_cast<uint64_t>(value);
    if (values.back() == 0) return std::vector<uint64_t>();
  }
  return values;
}

Result<> Tracee::set_debug_registers(std::span<const uint64_t> values) {
  for (size_t i = 0; i < std::min(values.size(), std::size(kDebugRegisters)); ++i)
    TRY_PTRACE(PTRACE_POKEUSER, debug_register(i), values[i]);
  return {};
}

Result<uint64_t> Tracee::blocked_signals() const {
  uint64_t mask = 0;
  TRY_PTRACE(PTRACE_GETSIGMASK, sizeof mask, &mask);
  return mask;
}

Result<> Tracee::block_signals(uint64_t mask) {
  TRY_PTRACE(PTRACE_SETSIGMASK, sizeof mask, &mask);
  return {};
}

Result<std::vector<siginfo_t>> Tracee::pending_signals(bool of_process) const {
  std::vector<siginfo_t> all;
  constexpr int kBatch = 32;
  for (;;) {
    siginfo_t batch[kBatch];
    __ptrace_peeksiginfo_args args{};
    args.off = all.size();
    args.flags = of_process ? PTRACE_PEEKSIGINFO_SHARED : 0;
    args.nr = kBatch;
    long got = TRY_PTRACE(PTRACE_PEEKSIGINFO, &args, batch);
    all.insert(all.end(), batch, batch + got);
    if (got < kBatch) return all;
  }
}

Result<__ptrace_rseq_configuration> Tracee::rseq() const {
  __ptrace_rseq_configuration configuration{};
  TRY_PTRACE(PTRACE_GET_RSEQ_CONFIGURATION, sizeof configuration, &configuration);
  return configuration;
}

bool Tracee::dispatches_calls() const {
  // Debian 12's headers are older than these (6.4).
  constexpr auto kGetDispatch = static_cast<__ptrace_request>(0x4211);
  struct {
    uint64_t mode, selector, offset, length;
  } dispatch{};
  return ::ptrace(kGetDispatch, tid_.value, sizeof dispatch, &dispatch) == 0 &&
         dispatch.mode != PR_SYS_DISPATCH_OFF;
}

Result<std::vector<uint8_t>> Tracee::seccomp_filter(unsigned index, uint64_t& flags) const {
  long count = ::ptrace(PTRACE_SECCOMP_GET_FILTER, tid_.value, index, nullptr);
  if (count == -1 && errno == ENOENT) return std::vector<uint8_t>{};
  if (count == -1) return ptrace_error(errno, "PTRACE_SECCOMP_GET_FILTER", tid_);
  std::vector<uint8_t> program(static_cast<size_t>(count) * sizeof(sock_filter));
  TRY_PTRACE(PTRACE_SECCOMP_GET_FILTER, static_cast<long>(index), program.data());
  struct {
    uint64_t filter_off, flags;
  } metadata{index, 0};
  if (::ptrace(PTRACE_SECCOMP_GET_METADATA, tid_.value, sizeof metadata, &metadata) != -1)
    flags = metadata.flags;
  return program;
}

}  // namespace appshot
