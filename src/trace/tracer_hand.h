// Requests of ptrace, made by a thread of the application that traces others: a thread has one
// tracer, so while it has one we can reach it only by that one's hand.
#pragma once

#include <sys/user.h>

#include <memory>

#include "base/result.h"
#include "trace/injection.h"
#include "trace/remote_memory.h"

namespace appshot {

// A held thread; and as whom it knows itself, which is another in a pid namespace of the
// application's own.
struct TracerThread {
  Tracee* thread = nullptr;
  HostPid process;
  VirtualPid process_id, id;
  VirtualPid own_process_id, own_id;
};

class TracerHand {
 public:
  static Result<std::unique_ptr<TracerHand>> take(const TracerThread& tracer);
  ~TracerHand();  // as let_go()
  TracerHand(const TracerHand&) = delete;

  // As the tracer knows a thread, which may live in a pid namespace below its own.
  Result<VirtualPid> id_of(HostPid process, HostPid tid) const;

  // What the kernel answers, an error as well.
  Result<int64_t> try_request(long request, VirtualPid of, uint64_t address = 0, uint64_t data = 0);
  Result<> request(long request, VirtualPid of, uint64_t address = 0, uint64_t data = 0);
  // With `data` being that memory of ours, of which what the kernel has put there is told.
  Result<int64_t> request_with(long request, VirtualPid of, uint64_t address, void* bytes,
                               size_t length);
  Result<user_regs_struct> registers(VirtualPid of);
  Result<> set_registers(VirtualPid of, const user_regs_struct& registers);
  Result<> block_signals(VirtualPid of, uint64_t mask);

  // Whether wait would tell of its stop; and it is told.
  Result<bool> has_news(VirtualPid of);
  Result<> hear_news(VirtualPid of);
  // Whether it may attach to it (again): it reads memory of it.
  Result<bool> may_trace(VirtualPid of, uint64_t readable);

  // The thread is where it was, and of what it was told meanwhile (SIGCHLD) nothing is left.
  Result<> let_go();

 private:
  TracerHand(RemoteMemory memory, bool had_child_signal)
      : memory_(std::move(memory)), had_child_signal_(had_child_signal) {}
  InjectionTarget target() const;
  Result<int64_t> perform(CallList& calls, DataSpace& data);

  RemoteMemory memory_;
  const bool had_child_signal_;
  TracerThread tracer_;
  size_t depth_ = 0;  // of pid namespaces, counted from ours
  int completion_signal_ = 0;
  std::unique_ptr<Injection> injection_;
};

}  // namespace appshot
