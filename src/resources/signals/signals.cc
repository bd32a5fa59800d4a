#include "resources/signals/signals.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

namespace appshot::signals {
namespace {

// struct sigaction as the kernel has it (the C library's is another one).
struct KernelAction {
  uint64_t handler, flags, restorer, mask;
};
constexpr int kSignals = 64;
constexpr size_t kMaskBytes = 8;

bool cannot_be_changed(int signal) { return signal == SIGKILL || signal == SIGSTOP; }

}  // namespace

void ActionQuestions::ask(CallList& calls, DataSpace& data) {
  answers_ = data.reserve(kSignals * sizeof(KernelAction));
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (cannot_be_changed(signal)) continue;
    calls.add(SYS_rt_sigaction, signal, 0, answers_ + (signal - 1) * sizeof(KernelAction),
              kMaskBytes);
  }
}

void ActionQuestions::collect(const DataSpace& data, image::ProcessT& process) const {
  for (int signal = 1; signal <= kSignals; ++signal) {
    KernelAction action;
    std::memcpy(&action, data.here(answers_ + static_cast<size_t>(signal - 1) * sizeof action),
                sizeof action);
    process.actions.emplace_back(action.handler, action.flags, action.restorer, action.mask);
  }
}

Result<std::vector<std::unique_ptr<image::QueuedSignalT>>> capture_pending(const Tracee& thread,
                                                                           bool of_process) {
  std::vector<std::unique_ptr<image::QueuedSignalT>> all;
  for (const siginfo_t& info : TRY(thread.pending_signals(of_process))) {
    auto signal = std::make_unique<image::QueuedSignalT>();
    const auto* bytes = reinterpret_cast<const uint8_t*>(&info);
    signal->info.assign(bytes, bytes + sizeof info);
    all.push_back(std::move(signal));
  }
  return all;
}

namespace {

void plan_action(const image::ProcessT& process, int signal, CallList& calls, DataSpace& data) {
  const image::SignalAction& action = process.actions[static_cast<size_t>(signal - 1)];
  KernelAction kernel{action.handler(), action.flags(), action.restorer(), action.mask()};
  calls.add(SYS_rt_sigaction, signal, data.put(kernel), 0, kMaskBytes);
}

// Ignoring a signal throws away what is pending of it.
void plan_discard(int signal, CallList& calls, DataSpace& data) {
  KernelAction ignore{reinterpret_cast<uint64_t>(SIG_IGN), 0, 0, 0};
  calls.add(SYS_rt_sigaction, signal, data.put(ignore), 0, kMaskBytes);
}

int number_of(const image::QueuedSignalT& signal) {
  int number;
  std::memcpy(&number, signal.info.data(), sizeof number);
  return number;
}

}  // namespace

void plan_actions(const image::ProcessT& process, CallList& calls, DataSpace& data) {
  // A child that died while it was being restored has left a SIGCHLD that nobody must see.
  plan_discard(SIGCHLD, calls, data);
  for (int signal = 1; signal <= kSignals; ++signal)
    if (!cannot_be_changed(signal)) plan_action(process, signal, calls, data);
}

void plan_child_signal_afresh(const PidSpaces& spaces, const image::ProcessT& process,
                              CallList& calls, DataSpace& data) {
  plan_discard(SIGCHLD, calls, data);
  plan_action(process, SIGCHLD, calls, data);
  for (const auto& signal : process.pending)
    if (number_of(*signal) == SIGCHLD)
      calls.add(SYS_rt_sigqueueinfo, spaces.seen_by(process, process.pid), SIGCHLD,
                data.put(signal->info.data(), signal->info.size()));
}

bool is_about_to_stop(const image::ProcessT& process) {
  auto stops = [](const auto& signal) { return number_of(*signal) == SIGSTOP; };
  return std::ranges::any_of(process.pending, stops) ||
         std::ranges::any_of(process.threads, [&](const auto& thread) {
           return std::ranges::any_of(thread->pending, stops);
         });
}

void plan_pending_of_process(const PidSpaces& spaces, const image::ProcessT& process,
                             CallList& calls, DataSpace& data) {
  for (const auto& signal : process.pending) {
    if (number_of(*signal) == SIGSTOP) continue;
    calls.add(SYS_rt_sigqueueinfo, spaces.seen_by(process, process.pid), number_of(*signal),
              data.put(signal->info.data(), signal->info.size()));
  }
}

void plan_pending_of_thread(const PidSpaces& spaces, const image::ProcessT& process,
                            const image::ThreadT& thread, CallList& calls, DataSpace& data) {
  for (const auto& signal : thread.pending) {
    if (number_of(*signal) == SIGSTOP) continue;
    calls.add(SYS_rt_tgsigqueueinfo, spaces.seen_by(process, process.pid),
              spaces.seen_by(process, thread.tid), number_of(*signal),
              data.put(signal->info.data(), signal->info.size()));
  }
}

}  // namespace appshot::signals
