#include "restore/zone.h"

#include <fmt/core.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "restore/stages.h"

namespace appshot {
namespace {

constexpr uint64_t kCodeBytes = 8192;
constexpr uint64_t kControlBytes = 4096;
constexpr size_t kStackBytes = 8192;
constexpr int kLookMs = 100;  // how often a wait looks whether it can still end

long futex(uint32_t* word, int operation, uint32_t value, const timespec* timeout = nullptr) {
  return ::syscall(SYS_futex, word, operation, value, timeout, nullptr, 0);
}

}  // namespace

Zone::Zone(uint64_t address, uint64_t length)
    : address_(address),
      length_(length),
      control_(reinterpret_cast<StubControl*>(address + kCodeBytes)),
      data_(reinterpret_cast<char*>(address + kCodeBytes + kControlBytes),
            length - kCodeBytes - kControlBytes, address + kCodeBytes + kControlBytes) {}

Zone::Zone(Zone&& other) noexcept
    : address_(std::exchange(other.address_, 0)),
      length_(other.length_),
      control_(other.control_),
      data_(other.data_) {}

Result<char*> Zone::map_at(uint64_t address, uint64_t length, int flags) {
  void* at = ::mmap(reinterpret_cast<void*>(address), length, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of the restore zone");
  return static_cast<char*>(at);
}

Result<Zone> Zone::map(const MemoryLayout& layout) {
  char* at = TRY(map_at(layout.zone, layout.zone_length, MAP_FIXED_NOREPLACE));
  size_t length = static_cast<size_t>(appshot_stub_end - appshot_stub_begin);
  std::memcpy(at, appshot_stub_begin, length);
  TRY_SYS(::mprotect(at, kCodeBytes, PROT_READ | PROT_EXEC));
  return Zone(layout.zone, layout.zone_length);
}

Result<> Zone::make_own() {
  auto* shared = reinterpret_cast<char*>(address_);
  char* own = TRY(map_at(0, length_, 0));
  std::memcpy(own, shared, kCodeBytes + kControlBytes + data_.used());
  TRY_SYS(::mprotect(own, kCodeBytes, PROT_READ | PROT_EXEC));
  if (::mremap(own, length_, length_, MREMAP_MAYMOVE | MREMAP_FIXED, shared) == MAP_FAILED)
    return Error::from_errno(errno, "mremap of the restore zone");
  return {};
}

Zone::~Zone() {
  if (address_ != 0) ::munmap(reinterpret_cast<void*>(address_), length_);
}

uint64_t Zone::syscall_instruction() const {
  const auto* code = reinterpret_cast<const unsigned char*>(address_);
  for (uint64_t i = 0; i + 1 < kCodeBytes; ++i)
    if (code[i] == 0x0f && code[i + 1] == 0x05) return address_ + i;
  return 0;
}

Result<StubTask*> Zone::add_task(const CallList& calls, int tid) {
  uint64_t task_at = data_.reserve(sizeof(StubTask));
  uint64_t calls_at = data_.put(calls.calls().data(), calls.calls().size() * sizeof(StubCall));
  uint64_t stack_at = data_.reserve(kStackBytes, 64);
  if (data_.overflowed())
    return Error(ErrorClass::exhausted, "the image needs more steps than the restore zone holds");
  auto* task = reinterpret_cast<StubTask*>(task_at);
  task->calls = reinterpret_cast<StubCall*>(calls_at);
  task->count = static_cast<uint32_t>(calls.calls().size());
  task->control = control_;
  task->stack_top = stack_at + kStackBytes;
  task->tid = tid;
  return task;
}

void Zone::enter(StubTask* task) const {
  uint64_t stack = task->stack_top - 64;
  __asm__ volatile(
      "mov %[stack], %%rsp\n\t"
      "xor %%ebp, %%ebp\n\t"
      "call *%[entry]\n\t"
      "hlt"
      :
      : [stack] "r"(stack), [entry] "r"(address_), "D"(task)
      : "memory");
  __builtin_unreachable();
}

Result<> Zone::wait_stage(uint32_t stage, Deadline deadline,
                          const std::function<Result<>()>& still_possible) const {
  for (;;) {
    uint32_t seen = __atomic_load_n(&control_->progress, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&control_->failed, __ATOMIC_SEQ_CST) != 0) return failure();
    uint32_t arrived = __atomic_load_n(&control_->arrived[stage], __ATOMIC_SEQ_CST);
    if (arrived >= control_->expected[stage]) return {};
    int left = deadline.left_ms();
    if (left == 0)
      return Error(
          ErrorClass::timeout,
          fmt::format("{} of {} tasks have not come to stage {} of the restore",
                      control_->expected[stage] - arrived, control_->expected[stage], stage));
    int slice = std::min(left, kLookMs);
    timespec timeout{slice / 1000, (slice % 1000) * 1'000'000L};
    bool slice_passed =
        futex(&control_->progress, FUTEX_WAIT, seen, &timeout) < 0 && errno == ETIMEDOUT;
    if (slice_passed && still_possible) TRY(still_possible());
  }
}

void Zone::open_stage(uint32_t stage) const {
  __atomic_store_n(&control_->stage, stage, __ATOMIC_SEQ_CST);
  futex(&control_->stage, FUTEX_WAKE, 0x7fffffff);
}

void Zone::pass_stage(uint32_t stage) const {
  if (__atomic_add_fetch(&control_->arrived[stage], 1, __ATOMIC_SEQ_CST) ==
      control_->expected[stage]) {
    __atomic_add_fetch(&control_->progress, 1, __ATOMIC_SEQ_CST);
    futex(&control_->progress, FUTEX_WAKE, 0x7fffffff);
  }
  for (;;) {
    uint32_t now = __atomic_load_n(&control_->stage, __ATOMIC_SEQ_CST);
    if (now >= stage) return;
    futex(&control_->stage, FUTEX_WAIT, now);
  }
}

void Zone::fail(int pid, const std::string& text) const {
  uint32_t nobody = 0;
  if (!__atomic_compare_exchange_n(&control_->failed, &nobody, 1, false, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST))
    return;
  control_->failed_tid = pid;
  size_t length = text.copy(control_->failed_text, sizeof control_->failed_text - 1);
  control_->failed_text[length] = 0;
  __atomic_store_n(&control_->failed, 2, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&control_->progress, 1, __ATOMIC_SEQ_CST);
  futex(&control_->progress, FUTEX_WAKE, 0x7fffffff);
}

Error Zone::failure() const {
  // The one who fails writes the fields before it counts as written; a moment at most.
  for (int spins = 0;
       __atomic_load_n(&control_->failed, __ATOMIC_SEQ_CST) != 2 && spins < 1'000'000; ++spins) {
  }
  const StubControl& c = *control_;
  if (c.failed_text[0] != 0)
    return Error(ErrorClass::other, fmt::format("process {}: {}", c.failed_tid, c.failed_text));
  return Error::from_errno(
      static_cast<int>(c.failed_result < 0 ? -c.failed_result : EINVAL),
      fmt::format(
          "restoring {} of thread {}: system call {} ({:#x}, {:#x}, {:#x}, {:#x}, {:#x}) gave {}",
          tag_words(c.failed_tag), c.failed_tid, c.failed_number, c.failed_args[0],
          c.failed_args[1], c.failed_args[2], c.failed_args[3], c.failed_args[4], c.failed_result));
}

}  // namespace appshot
