// One thread of a foreign process under ptrace. Death of the thread is an outcome, not a bug: every
// call may return an error of class `gone`.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/pids.h"

namespace appshot {

// A wait status of a traced thread, told apart once and for all.
class StopStatus {
 public:
  explicit StopStatus(int status) : status_(status) {}
  int raw() const { return status_; }
  bool exited() const;          // gone, by exit or signal
  bool interrupted() const;     // our PTRACE_INTERRUPT
  bool group_stopped() const;   // stopped as its whole process is; signal() says by what
  bool syscall() const;         // entry or exit of a system call
  bool has_made_child() const;  // PTRACE_EVENT_VFORK: and is about to wait for it
  bool delivering() const;      // about to get signal()
  int signal() const;

 private:
  int status_;
};

// Until something may have happened to a tracee of the caller, or for a moment.
void wait_for_news(Deadline deadline);

// Owns the attachment: destruction detaches (and a dead tracer detaches everything by itself).
class Tracee {
 public:
  // PTRACE_SEIZE: the thread is not stopped by it. Options are PTRACE_O_*.
  static Result<Tracee> seize(HostPid tid, unsigned long options);
  // One that the kernel has attached to the caller because who made it is (PTRACE_O_TRACE…).
  static Tracee born(HostPid tid) { return Tracee(tid, true); }
  // One that is not held, and only told from others.
  static Tracee not_held(HostPid tid) { return Tracee(tid, false); }
  Tracee(Tracee&& other) noexcept
      : tid_(std::exchange(other.tid_, HostPid{})), held_(other.held_) {}
  Tracee& operator=(Tracee&& other) noexcept;
  ~Tracee();

  HostPid tid() const { return tid_; }
  bool is_held() const { return held_; }

  Result<> interrupt();
  Result<StopStatus> wait_stop(Deadline deadline);
  Result<std::optional<StopStatus>> try_wait_stop();  // nothing: it runs or sleeps
  bool has_ended();                                   // and been reaped by this
  Result<> resume(int signal = 0);                    // PTRACE_CONT
  Result<> resume_plainly() { return resume(); }
  Result<> resume_to_syscall();  // PTRACE_SYSCALL
  Result<> detach(int signal = 0);
  Result<> set_options(unsigned long options);
  Result<HostPid> who_was_born() const;  // at a stop that tells of it

  Result<user_regs_struct> registers() const;
  Result<> set_registers(const user_regs_struct& registers);
  Result<std::vector<uint8_t>> xstate() const;
  Result<> set_xstate(std::span<const uint8_t> xstate);
  // DR0 to DR3, DR6, DR7; empty: it has no breakpoint in them.
  Result<std::vector<uint64_t>> debug_registers() const;
  Result<> set_debug_registers(std::span<const uint64_t> values);
  Result<uint64_t> blocked_signals() const;
  Result<> block_signals(uint64_t mask);
  Result<std::vector<siginfo_t>> pending_signals(bool of_process) const;
  Result<__ptrace_rseq_configuration> rseq() const;
  // Its calls lead to a handler of its own (PR_SET_SYSCALL_USER_DISPATCH).
  bool dispatches_calls() const;
  // The classic BPF program number `index` of those installed, newest first; empty: no more.
  Result<std::vector<uint8_t>> seccomp_filter(unsigned index, uint64_t& flags) const;

 private:
  Tracee(HostPid tid, bool held) : tid_(tid), held_(held) {}
  HostPid tid_;
  bool held_;
};

}  // namespace appshot
