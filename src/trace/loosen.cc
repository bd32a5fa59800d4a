#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>

#include "os/fault.h"
#include "os/file.h"
#include "os/proc/process_dir.h"
#include "trace/kernel_tracing.h"
#include "trace/side_group.h"
#include "trace/traced.h"
#include "trace/traced_stop.h"

namespace appshot {
namespace {

constexpr uint64_t kAllSignals = ~0ULL;
constexpr uint64_t kMaskBytes = 8;
// A signal that comes at the same time is put back, and so is one that comes meanwhile.
constexpr int kStopsMax = 64;

uint64_t bit(int signal) { return 1ULL << (signal - 1); }

// Of those that wait, the kernel throws these away when it is sent.
uint64_t opposite(int signal) {
  const uint64_t stops = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);
  if (signal == SIGCONT) return stops;
  return (bit(signal) & stops) != 0 ? bit(SIGCONT) : 0;
}

Result<uint64_t> pending(const TracedThread& thread) {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(thread.process));
  const proc::Fields status = TRY(dir.status_of_thread(thread.tid));
  return proc::field_number(status, "ShdPnd", 16) | proc::field_number(status, "SigPnd", 16);
}

// What leaves a call that it is about to make goes past the filters, with no call at all. The
// instance's own filter lets that pass.
Result<bool> has_filters_of_its_own(const TracedThread& thread) {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(thread.process));
  const proc::ProcessDir own = TRY(proc::ProcessDir::open(HostPid{::getpid()}));
  const uint64_t ours = proc::field_number(TRY(own.status()), "Seccomp_filters");
  const uint64_t its = proc::field_number(TRY(dir.status_of_thread(thread.tid)), "Seccomp_filters");
  return its > ours + 1;
}

class Loosening {
 public:
  Loosening(const std::vector<TracedThread>& threads, const Cgroup& application,
            unsigned long options, Deadline deadline, std::vector<LooseThread>& done)
      : application_(application), options_(options), deadline_(deadline), done_(done) {
    for (const TracedThread& thread : threads) all_.push_back({&thread});
  }

  Result<> run(std::optional<KernelLayout>* layout) {
    TRY(SideGroup::clear(application_));
    SideGroup group = TRY(SideGroup::make(application_));
    for (const One& one : all_) TRY(group.take(one.thread->process));
    TRY(application_.thaw());
    Result<KernelView> kernel = KernelView::open(layout);
    if (!kernel)
      return Error(ErrorClass::refused,
                   "how threads are traced cannot be read here (" + kernel.error().message() + ")")
          .hint("end the debugger or strace");
    for (One& one : all_) TRY(look_at(one, *kernel).within(words(one)));
    Result<> loosened = stop_all(group);
    for (One& one : all_)
      if (loosened) loosened = loosen(one).within(words(one));
    if (!loosened) let_run();
    if (loosened) loosened = fault_point("trace.loosened");
    for (auto& [tracer, hand] : hands_) {
      Result<> let_go = hand->let_go();
      if (loosened) loosened = std::move(let_go);
    }
    hands_.clear();
    TRY(group.give_back());
    return loosened;
  }

 private:
  struct One {
    const TracedThread* thread;
    VirtualPid id{};  // as its tracer knows it
    TracedState state{};
    user_regs_struct registers{};    // of one that stands still
    std::optional<uint64_t> mask{};  // that it had before we changed it
    bool told_to_stop = false, loose = false;
  };

  static std::string words(const One& one) {
    return "thread " + std::to_string(one.thread->id.value) + ", which thread " +
           std::to_string(one.thread->tracer->id.value) + " traces";
  }

  static Error cannot(const std::string& what, const char* hint = "let its tracer go on first") {
    return Error(ErrorClass::refused, what).hint(hint);
  }

  Result<TracerHand*> hand_of(const One& one) {
    std::unique_ptr<TracerHand>& hand = hands_[one.thread->tracer];
    if (!hand) hand = TRY(TracerHand::take(*one.thread->tracer));
    return hand.get();
  }

  // Nothing is changed by that.
  Result<> look_at(One& one, KernelView& kernel) {
    const TracedThread& thread = *one.thread;
    TracerHand& hand = *TRY(hand_of(one));
    const std::string folder = "/proc/" + std::to_string(thread.process.value) + "/task/" +
                               std::to_string(thread.tid.value);
    const KernelTracing now =
        TRY(tracing_of(kernel, TRY(open_file(folder, O_RDONLY | O_DIRECTORY)).get()));
    one.id = TRY(hand.id_of(thread.process, thread.tid));
    one.state.tracer = thread.tracer->id;
    one.state.seized = now.seized;
    one.state.options = now.options;
    one.state.to_call = now.to_call;
    if (!TRY(hand.may_trace(one.id, thread.readable)))
      return cannot("its tracer may not attach to it again", "end the debugger");
    if (TRY(is_in_traced_stop(thread.process, thread.tid))) return look_at_stop(one, hand);
    if (now.steps) return cannot("it makes a single step for its tracer");
    // It is stopped by SIGSTOP.
    if (!now.seized && (TRY(pending(thread)) & opposite(SIGSTOP)) != 0)
      return cannot("it has been told to go on (SIGCONT), and was stopped before it could");
    return {};
  }

  static Result<> look_at_stop(One& one, TracerHand& hand) {
    const VirtualPid id = one.id;
    Result<int64_t> got =
        hand.request_with(PTRACE_GETSIGINFO, id, 0, &one.state.info, sizeof one.state.info);
    // In the second case it is watched (PTRACE_LISTEN).
    if (!got && (got.error().err() == EINVAL || got.error().err() == ESRCH))
      return cannot("it is stopped as a job is");
    TRY(std::move(got));
    __ptrace_syscall_info call{};
    TRY(hand.request_with(PTRACE_GET_SYSCALL_INFO, id, sizeof call, &call, sizeof call));
    one.state.stop = call.op == PTRACE_SYSCALL_INFO_ENTRY  ? TracedStop::call_entry
                     : call.op == PTRACE_SYSCALL_INFO_EXIT ? TracedStop::call_exit
                                                           : TracedStop::signal;
    // Only the kernel gives such codes.
    if (const int event = one.state.info.si_code >> 8; event > 0 && event <= PTRACE_EVENT_STOP) {
      if (event != PTRACE_EVENT_STOP)
        return cannot("it stands at an event of which its tracer wants to know (fork, exec, exit)");
      if (one.state.info.si_signo != SIGTRAP) return cannot("it is stopped as a job is");
      one.state.stop = TracedStop::interrupted;
    }
    if (one.state.stop == TracedStop::call_entry && TRY(has_filters_of_its_own(*one.thread)))
      return cannot("it is about to make a system call, under filters of its own (seccomp)");
    one.state.reported = !TRY(hand.has_news(id));
    one.registers = TRY(hand.registers(id));
    // The same signal will be sent again.
    const int signal = one.state.info.si_signo;
    if (one.state.stop == TracedStop::signal && !one.state.reported &&
        (TRY(pending(*one.thread)) & (bit(signal) | opposite(signal))) != 0)
      return cannot("it is about to get a signal that waits for it once more");
    return {};
  }

  // Letting go of one asks for a stop. Who was attached to can only be told by a signal, which it
  // takes in the moment in which it is not frozen, before it could do anything else.
  Result<> stop_all(const SideGroup& group) {
    bool by_signal = false;
    for (One& one : all_) {
      if (one.state.stop != TracedStop::none) continue;
      one.told_to_stop = true;
      if (one.state.seized) {
        TRY(TRY(hand_of(one))->request(PTRACE_INTERRUPT, one.id));
        continue;
      }
      by_signal = true;
      TRY_SYS(::tgkill(one.thread->process.value, one.thread->tid.value, SIGSTOP));
    }
    if (by_signal) TRY(group.thaw());
    for (One& one : all_) {
      TRY(wait_for_traced_stop(one.thread->process, one.thread->tid, deadline_));
      if (one.told_to_stop && !one.state.seized) TRY(put_back_other_signals(one));
    }
    return by_signal ? group.freeze() : Result<>();
  }

  // A signal that is blocked when it is to be delivered waits again.
  Result<> put_back_other_signals(One& one) {
    TracerHand& hand = *TRY(hand_of(one));
    for (int stops = 0; stops < kStopsMax; ++stops) {
      siginfo_t info{};
      TRY(hand.request_with(PTRACE_GETSIGINFO, one.id, 0, &info, sizeof info));
      if (info.si_signo == SIGSTOP) return {};
      if (!one.mask) {
        uint64_t mask = 0;
        TRY(hand.request_with(PTRACE_GETSIGMASK, one.id, kMaskBytes, &mask, sizeof mask));
        one.mask = mask;
      }
      TRY(hand.block_signals(one.id, kAllSignals));
      TRY(hand.request(PTRACE_CONT, one.id, 0, static_cast<uint64_t>(info.si_signo)));
      TRY(wait_for_traced_stop(one.thread->process, one.thread->tid, deadline_));
    }
    return Error(ErrorClass::other, "it gets one signal after the other");
  }

  Result<> loosen(One& one) {
    const TracedThread& thread = *one.thread;
    TracerHand& hand = *TRY(hand_of(one));
    if (one.mask) TRY(hand.block_signals(one.id, *one.mask));
    if (one.state.stop == TracedStop::call_entry) {
      user_regs_struct without_call = one.registers;
      without_call.orig_rax = static_cast<unsigned long long>(-1);
      TRY(hand.set_registers(one.id, without_call));
    }
    TRY(hand.request(PTRACE_DETACH, one.id));
    one.loose = true;
    Tracee ours = TRY(Tracee::seize(thread.tid, options_));
    TRY(ours.interrupt());
    StopStatus stop = TRY(ours.wait_stop(deadline_));
    if (!stop.interrupted())
      return Error(ErrorClass::other, "it stopped by signal " + std::to_string(stop.signal()));
    if (one.state.stop != TracedStop::none) TRY(ours.set_registers(one.registers));
    done_.push_back({std::move(ours), one.state});
    return {};
  }

  // Those that we have stopped and that are still their tracer's go on as they were.
  void let_run() {
    for (One& one : all_) {
      if (!one.told_to_stop || one.loose) continue;
      Result<TracerHand*> hand = hand_of(one);
      if (!hand) continue;
      if (one.mask) (void)!(*hand)->block_signals(one.id, *one.mask);
      (void)!(*hand)->request(one.state.to_call ? PTRACE_SYSCALL : PTRACE_CONT, one.id);
    }
  }

  const Cgroup& application_;
  const unsigned long options_;
  const Deadline deadline_;
  std::vector<LooseThread>& done_;
  std::vector<One> all_;
  std::map<const TracerThread*, std::unique_ptr<TracerHand>> hands_;
};

}  // namespace

Result<> loosen(const std::vector<TracedThread>& threads, const Cgroup& application,
                unsigned long options, std::optional<KernelLayout>* layout, Deadline deadline,
                std::vector<LooseThread>& done) {
  return Loosening(threads, application, options, deadline, done).run(layout);
}

}  // namespace appshot
