// Lets a stopped process tell what only it can ask the kernel: a list of system calls is performed
// by one of its own threads, which afterwards is exactly where it was.
//
// Story 1, the normal way: begin() maps a small area in the process, perform() lets the stub there
// work through the list and raise a signal when it is done, which we see first and swallow; the
// thread gets its registers and mask back. end() unmaps the area.
//
// Story 2, we die in the middle: the kernel lets the thread run. Whatever it was executing then
// leads to code, prepared beforehand with the thread's own register values in it, that puts the
// mask and every register back and jumps to where the thread was. The application never notices
// (an interrupted sleep may return EINTR, and a few pages of ours stay mapped).
#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "trace/call_list.h"
#include "trace/remote_memory.h"
#include "trace/tracee.h"

namespace appshot {

// What of a thread must be known to run calls in it.
struct InjectionTarget {
  Tracee& thread;
  VirtualPid process;  // ids as the thread itself would use them
  VirtualPid tid;
  int completion_signal;  // see pick_completion_signal()
};

// A signal the process ignores by default or by choice and has not pending: raising it says "done"
// to a tracer and nothing to anyone else. `ignored`, `caught`, `pending` as in /proc/PID/status.
int pick_completion_signal(uint64_t ignored, uint64_t caught, uint64_t pending);

class Injection {
 public:
  static Result<Injection> begin(Tracee& thread, const RemoteMemory& memory, uint64_t vdso_start,
                                 uint64_t vdso_length, Deadline deadline);
  Injection(Injection&&) = default;

  // A fresh space for data that goes with the next perform().
  DataSpace new_data();
  Result<> perform(const InjectionTarget& target, CallList& calls, DataSpace& data,
                   Deadline deadline);
  Result<> end(Tracee& thread, Deadline deadline);

  uint64_t area() const { return area_; }
  uint64_t area_length() const;

 private:
  explicit Injection(const RemoteMemory& memory) : memory_(&memory) {}
  Result<int64_t> single_call(Tracee& thread, long number, const CallArguments& args,
                              Deadline deadline);

  const RemoteMemory* memory_;
  uint64_t area_ = 0;
  uint64_t pad_ = 0;  // unused bytes at the end of the vdso, where a first call is made
  std::vector<char> pad_content_;
  std::vector<char> data_;
};

}  // namespace appshot
