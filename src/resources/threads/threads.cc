#include "resources/threads/threads.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "os/restart.h"

namespace appshot::threads {
namespace {

// A thread stopped in a system call comes back the way it was stopped: with the kernel's own mark
// for "make it again" in rax, so that the kernel decides, as it would have, what a signal that
// waits does to the call. Only a call of which the kernel kept the end, and nobody knows which it
// was, is made again by hand; it then says EINTR.
user_regs_struct with_call_to_make_again(user_regs_struct r) {
  if (static_cast<int64_t>(r.orig_rax) >= 0 &&
      static_cast<int64_t>(r.rax) == -kErestartRestartblock)
    r.rax = static_cast<unsigned long long>(-kErestartnointr);
  return r;
}

}  // namespace

Result<> capture(const Tracee& thread, const proc::Stat& stat, image::ThreadT& into) {
  user_regs_struct registers = TRY(thread.registers());
  const auto* bytes = reinterpret_cast<const uint8_t*>(&registers);
  into.registers.assign(bytes, bytes + sizeof registers);
  into.xstate = TRY(thread.xstate());
  into.debug_registers = TRY(thread.debug_registers());
  into.blocked = TRY(thread.blocked_signals());
  into.name = stat.name;
  __ptrace_rseq_configuration rseq = TRY(thread.rseq());
  into.rseq = std::make_unique<image::Rseq>(rseq.rseq_abi_pointer, rseq.rseq_abi_size,
                                            rseq.signature, rseq.flags);
  return {};
}

void Questions::ask(CallList& calls, DataSpace& data) {
  alt_stack_ = data.reserve(sizeof(stack_t));
  clear_child_tid_ = data.reserve(sizeof(uint64_t));
  death_signal_ = data.reserve(sizeof(int));
  robust_list_ = data.reserve(sizeof(uint64_t));
  robust_length_ = data.reserve(sizeof(uint64_t));
  calls.add(SYS_sigaltstack, 0, alt_stack_);
  calls.add(SYS_prctl, PR_GET_TID_ADDRESS, clear_child_tid_, 0, 0, 0);
  calls.add(SYS_prctl, PR_GET_PDEATHSIG, death_signal_, 0, 0, 0);
  calls.add(SYS_get_robust_list, 0, robust_list_, robust_length_);
}

void Questions::collect(const DataSpace& data, image::ThreadT& thread) const {
  stack_t stack;
  std::memcpy(&stack, data.here(alt_stack_), sizeof stack);
  thread.alt_stack = std::make_unique<image::AltStack>(reinterpret_cast<uint64_t>(stack.ss_sp),
                                                       stack.ss_flags, stack.ss_size);
  std::memcpy(&thread.clear_child_tid, data.here(clear_child_tid_), sizeof thread.clear_child_tid);
  std::memcpy(&thread.parent_death_signal, data.here(death_signal_),
              sizeof thread.parent_death_signal);
  std::memcpy(&thread.robust_list, data.here(robust_list_), sizeof thread.robust_list);
  std::memcpy(&thread.robust_list_length, data.here(robust_length_),
              sizeof thread.robust_list_length);
}

void plan(const image::ThreadT& thread, CallList& calls, DataSpace& data) {
  stack_t stack{};
  stack.ss_sp = reinterpret_cast<void*>(thread.alt_stack->address());
  // "On the stack" is not a setting but where the stack pointer is.
  stack.ss_flags = thread.alt_stack->flags() & ~SS_ONSTACK;
  stack.ss_size = thread.alt_stack->size();
  calls.add(SYS_sigaltstack, data.put(stack), 0);
  calls.add(SYS_set_tid_address, thread.clear_child_tid);
  if (thread.robust_list != 0)
    calls.add(SYS_set_robust_list, thread.robust_list, thread.robust_list_length);
  if (thread.rseq->address() != 0)
    calls.add(SYS_rseq, thread.rseq->address(), thread.rseq->length(), 0, thread.rseq->signature());
  char name[16] = {};
  thread.name.copy(name, sizeof name - 1);
  calls.add(SYS_prctl, PR_SET_NAME, data.put(name, sizeof name), 0, 0, 0);
}

void plan_parent_death_signal(const image::ThreadT& thread, CallList& calls) {
  if (thread.parent_death_signal != 0)
    calls.add(SYS_prctl, PR_SET_PDEATHSIG, thread.parent_death_signal, 0, 0, 0);
}

Result<> put_back(Tracee& thread, const image::ThreadT& from, std::optional<int64_t> result) {
  user_regs_struct registers;
  std::memcpy(&registers, from.registers.data(), sizeof registers);
  if (result) {
    registers.rax = static_cast<unsigned long long>(*result);
    registers.orig_rax = static_cast<unsigned long long>(from.waiting->syscall);
  } else {
    registers = with_call_to_make_again(registers);
  }
  TRY(thread.set_registers(registers));
  TRY(thread.set_xstate(from.xstate));
  if (!from.debug_registers.empty()) TRY(thread.set_debug_registers(from.debug_registers));
  return thread.block_signals(from.blocked);
}

}  // namespace appshot::threads
