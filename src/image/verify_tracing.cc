#include "image/verify_tracing.h"

#include <cstring>
#include <map>
#include <set>

#include "image/verify_words.h"

namespace appshot::image {
namespace {

constexpr size_t kSigInfoBytes = 128;
constexpr uint32_t kOptions = 0x3000ff;  // PTRACE_O_*
constexpr int kSignalsMax = 64;
constexpr size_t kDebugRegisters = 6;

bool is_possible(const TracedT& traced) {
  if (!known(traced.stop) || (traced.options & ~kOptions) != 0) return false;
  if (traced.stop == TraceStop::interrupted && !traced.seized) return false;
  if (traced.stop != TraceStop::signal) return true;
  int signal = 0;
  if (traced.signal_info.size() != kSigInfoBytes) return false;
  std::memcpy(&signal, traced.signal_info.data(), sizeof signal);
  return signal == traced.signal && signal > 0 && signal <= kSignalsMax;
}

}  // namespace

// A tracer is held while those that it traces are not, and in one process one thread works.
Result<> verify_tracing(const ImageT& image) {
  std::map<int, const ProcessT*> threads;  // that can trace
  std::set<const ProcessT*> traced;
  for (const auto& process : image.processes)
    for (const auto& thread : process->threads) {
      if (thread->traced)
        traced.insert(process.get());
      else if (process->state != ProcessState::stopped)
        threads.emplace(thread->tid, process.get());
    }
  std::map<const ProcessT*, int> tracers;
  for (const auto& process : image.processes)
    for (const auto& thread : process->threads) {
      if (!thread->debug_registers.empty() && thread->debug_registers.size() != kDebugRegisters)
        return wrong("the breakpoints of a thread");
      if (!thread->traced) continue;
      const auto tracer = threads.find(thread->traced->tracer);
      if (!is_possible(*thread->traced) || process->state == ProcessState::stopped ||
          tracer == threads.end() || traced.count(tracer->second) != 0 ||
          tracers.try_emplace(tracer->second, tracer->first).first->second != tracer->first)
        return wrong("how a thread is traced");
    }
  return {};
}

}  // namespace appshot::image
