// Lets a stopped process tell what only it can ask the kernel: lists of system calls are performed
// by its own threads, which afterwards are exactly where they were.
//
// Story 1, the normal way: begin() maps a small area in the process, perform() lets the stub there
// work through a list and raise a signal when it is done, which we see first and swallow. end()
// unmaps the area and gives the first thread back. Whatever the process does, we need not wait for
// it at once: begin(), start() and begin_end() let it run, so that many processes work while we do
// something else.
//
// Story 2, we die in the middle: the kernel lets the thread run. Whatever it was executing then
// leads to code, prepared beforehand with the thread's own register values in it, that puts the
// mask and every register back and jumps to where the thread was. The application never notices
// (an interrupted sleep may return EINTR, and a few pages of ours stay mapped).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "trace/borrowed_thread.h"
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
  // By its first thread, which is ours from then on. Both references must stay.
  static Result<std::unique_ptr<Injection>> begin(const InjectionTarget& first,
                                                  const RemoteMemory& memory, uint64_t vdso_start,
                                                  uint64_t vdso_length);
  Injection(const Injection&) = delete;
  ~Injection();  // as end(), whatever happened

  // Waits until the area is there.
  Result<> ready(Deadline deadline);
  uint64_t area() const { return area_; }

  // A fresh space for data that goes with the next list.
  DataSpace new_data();
  // start() sends a thread to work, finish() waits for it and brings the results.
  Result<> start(const InjectionTarget& target, CallList& calls, DataSpace& data);
  Result<> finish(CallList& calls, DataSpace& data, Deadline deadline);
  Result<> perform(const InjectionTarget& target, CallList& calls, DataSpace& data,
                   Deadline deadline);

  Result<> begin_end(Deadline deadline);
  Result<> end(Deadline deadline);
  // Its process is about to be killed: nothing is worth putting back.
  void forget();

 private:
  enum class State { beginning, ready, ending, ended };

  Injection(const InjectionTarget& target, const RemoteMemory& memory, BorrowedThread first)
      : memory_(&memory), target_(target), first_(std::move(first)) {}
  Result<> find_pad(uint64_t vdso_start, uint64_t vdso_length);
  Result<> start_first_calls(const unsigned char* entry, long number, const CallArguments& args);
  Result<user_regs_struct> finish_first_calls(Deadline deadline);
  Result<> write_work(const BorrowedThread& thread, const InjectionTarget& target, CallList& calls,
                      DataSpace& data);
  BorrowedThread& at_work() { return other_ ? *other_ : first_; }

  const RemoteMemory* memory_;
  InjectionTarget target_;
  BorrowedThread first_;
  std::optional<BorrowedThread> other_;  // another thread of it that is at work
  size_t asked_ = 0;                     // calls of the list in work that are not ours
  State state_ = State::beginning;
  uint64_t area_ = 0;
  uint64_t pad_ = 0;  // unused bytes at the end of the vdso, where the first calls are made
  std::vector<char> pad_content_;
  std::vector<char> data_;
};

}  // namespace appshot
