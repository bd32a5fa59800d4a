#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "os/proc/process_dir.h"
#include "trace/call_registers.h"
#include "trace/remote_memory.h"
#include "trace/side_group.h"
#include "trace/traced.h"
#include "trace/traced_stop.h"

namespace appshot {
namespace {

constexpr uint64_t kAllSignals = ~0ULL;
constexpr long kSysemu = 31;  // PTRACE_SYSEMU: the call is told, and not made

uint64_t bit(int signal) { return 1ULL << (signal - 1); }

// One that does nothing but wait to be taken, and waits for nobody yet.
Result<int> pick_carrier(HostPid process, HostPid tid) {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(process));
  const proc::Fields status = TRY(dir.status_of_thread(tid));
  const uint64_t pending =
      proc::field_number(status, "ShdPnd", 16) | proc::field_number(status, "SigPnd", 16);
  for (int signal : {SIGURG, SIGWINCH, SIGCHLD, SIGUSR1, SIGUSR2, SIGPWR, SIGIO, SIGHUP})
    if ((pending & bit(signal)) == 0) return signal;
  return Error(ErrorClass::refused, "too many signals wait for a thread that is traced");
}

Result<uint64_t> find_call_instruction(HostPid process) {
  const proc::ProcessDir dir = TRY(proc::ProcessDir::open(process));
  const std::vector<proc::Mapping> mappings = TRY(dir.mapped_ranges());
  const auto vdso = std::ranges::find(mappings, "[vdso]", &proc::Mapping::name);
  if (vdso == mappings.end()) return Error(ErrorClass::refused, "a traced process has no vdso");
  std::vector<char> code(vdso->end - vdso->start);
  TRY(TRY(RemoteMemory::open(process)).read(vdso->start, code));
  const char call[] = {'\x0f', '\x05'};
  const auto found = std::search(code.begin(), code.end(), std::begin(call), std::end(call));
  if (found == code.end()) return Error(ErrorClass::unsupported, "the vdso makes no system call");
  return vdso->start + static_cast<uint64_t>(found - code.begin());
}

class Binding {
 public:
  Binding(const std::vector<ThreadToBind>& threads, const Cgroup& application, Deadline deadline)
      : application_(application), deadline_(deadline) {
    for (const ThreadToBind& thread : threads) all_.push_back({&thread});
  }

  Result<> run() {
    TRY(SideGroup::clear(application_));
    SideGroup group = TRY(SideGroup::make(application_));
    for (const One& one : all_) TRY(group.take(one.thread->process));
    for (One& one : all_) TRY(attach(one).within(words(one)));
    TRY(let_stop(group));
    for (One& one : all_) TRY(begin_stop(one).within(words(one)));
    TRY(let_stop(group));
    for (One& one : all_) TRY(leave_call(one).within(words(one)));
    for (One& one : all_) TRY(finish(one).within(words(one)));
    for (auto& [tracer, hand] : hands_) TRY(hand->let_go());
    TRY(application_.begin_freeze());
    return group.give_back();
  }

 private:
  struct One {
    const ThreadToBind* thread;
    HostPid tid{};
    VirtualPid id{};  // as its tracer knows it
    user_regs_struct registers{};
    uint64_t mask = 0;
  };

  static std::string words(const One& one) {
    return "thread " + std::to_string(one.thread->id.value) + ", which thread " +
           std::to_string(one.thread->tracer->id.value) + " traces";
  }

  Result<TracerHand*> hand_of(const One& one) {
    std::unique_ptr<TracerHand>& hand = hands_[one.thread->tracer];
    if (!hand) hand = TRY(TracerHand::take(*one.thread->tracer));
    return hand.get();
  }

  // Let go of by us it goes no further than into the frozen state.
  Result<> attach(One& one) {
    Tracee& ours = *one.thread->thread;
    const TracedState& state = *one.thread->state;
    one.tid = ours.tid();
    one.id = TRY(TRY(hand_of(one))->id_of(one.thread->process, one.tid));
    one.registers = TRY(ours.registers());
    one.mask = TRY(ours.blocked_signals());
    TracerHand& hand = *TRY(hand_of(one));
    TRY(ours.block_signals(kAllSignals));
    TRY(ours.detach());
    if (!state.seized) return hand.request(PTRACE_ATTACH, one.id);
    TRY(hand.request(PTRACE_SEIZE, one.id, 0, state.options));
    return hand.request(PTRACE_INTERRUPT, one.id);
  }

  Result<> let_stop(const SideGroup& group) {
    TRY(group.thaw());
    for (const One& one : all_)
      TRY(wait_for_traced_stop(one.thread->process, one.tid, deadline_).within(words(one)));
    return group.freeze();
  }

  // Leads it to the stop that it shall be in; all signals but ours are blocked, and nothing of the
  // program runs but the instruction that makes a call.
  Result<> begin_stop(One& one) {
    const VirtualPid id = one.id;
    const TracedState& state = *one.thread->state;
    TracerHand& hand = *TRY(hand_of(one));
    if (!state.seized) TRY(hand.request(PTRACE_SETOPTIONS, id, 0, state.options));
    user_regs_struct start = one.registers;
    switch (state.stop) {
      case TracedStop::none:
      case TracedStop::interrupted:  // as it stands now
        return {};
      case TracedStop::signal: {
        // Who has been told of the stop will only ask for the siginfo, which can be given.
        const int signal =
            state.reported ? TRY(pick_carrier(one.thread->process, one.tid)) : state.info.si_signo;
        TRY(hand.block_signals(id, ~bit(signal)));
        TRY_SYS(::tgkill(one.thread->process.value, one.tid.value, signal));
        return hand.request(PTRACE_CONT, id);
      }
      case TracedStop::call_entry:
        start.rip -= 2;  // the length of `syscall`
        start.rax = one.registers.orig_rax;
        start.orig_rax = static_cast<unsigned long long>(-1);
        TRY(hand.set_registers(id, start));
        return hand.request(PTRACE_SYSCALL, id);
      case TracedStop::call_exit:
        start.rip = TRY(find_call_instruction(one.thread->process));
        start.rax = SYS_getpid;
        start.orig_rax = static_cast<unsigned long long>(-1);
        TRY(hand.set_registers(id, start));
        return hand.request(kSysemu, id);
    }
    return {};
  }

  Result<> leave_call(One& one) {
    if (one.thread->state->stop != TracedStop::call_exit) return {};
    TRY(TRY(hand_of(one))->request(PTRACE_SYSCALL, one.id));
    return wait_for_traced_stop(one.thread->process, one.tid, deadline_);
  }

  Result<> finish(One& one) {
    const VirtualPid id = one.id;
    const TracedState& state = *one.thread->state;
    TracerHand& hand = *TRY(hand_of(one));
    TRY(hand.block_signals(id, one.mask));
    if (state.stop == TracedStop::none)
      return hand.request(state.to_call ? PTRACE_SYSCALL : PTRACE_CONT, id);
    TRY(hand.set_registers(id, one.registers));
    if (state.stop == TracedStop::signal) {
      siginfo_t info = state.info;
      TRY(hand.request_with(PTRACE_SETSIGINFO, id, 0, &info, sizeof info));
    }
    return state.reported ? hand.hear_news(id) : Result<>();
  }

  const Cgroup& application_;
  const Deadline deadline_;
  std::vector<One> all_;
  std::map<const TracerThread*, std::unique_ptr<TracerHand>> hands_;
};

}  // namespace

Result<> bind_again(const std::vector<ThreadToBind>& threads, const Cgroup& application,
                    Deadline deadline) {
  return Binding(threads, application, deadline).run();
}

}  // namespace appshot
