// The piece of memory that everyone who takes part in a restore shares, at one address: the stub,
// the control page, and each thread's work. It is the last thing a restored process lets go of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "image/schema/values.h"
#include "restore/memory_layout.h"
#include "trace/call_list.h"

namespace appshot {

class Zone {
 public:
  static Result<Zone> map(const MemoryLayout& layout);
  Zone(Zone&& other) noexcept;
  ~Zone();

  // In a fork: the same, shared with nobody whom the caller does not fork from now on.
  Result<> make_own();

  StubControl* control() const { return control_; }
  DataSpace& data() { return data_; }
  uint64_t address() const { return address_; }
  uint64_t length() const { return length_; }
  uint64_t parking() const { return address_ + length_; }  // free address space behind it

  // A task whose calls are put in place; none when the zone is full.
  Result<StubTask*> add_task(const CallList& calls, int tid);
  // The stub takes over the calling thread, on the task's stack; never returns.
  [[noreturn]] void enter(StubTask* task) const;

  // Any address of a `syscall` instruction in the stub.
  uint64_t syscall_instruction() const;

  // For the harness: wait until a stage is complete, then let everyone pass it.
  // `still_possible` is asked now and then; its error ends the wait.
  Result<> wait_stage(uint32_t stage, Deadline deadline,
                      const std::function<Result<>()>& still_possible = nullptr) const;
  void open_stage(uint32_t stage) const;
  // For C++ code that takes part: as the stub's barrier.
  void pass_stage(uint32_t stage) const;
  // Tells the harness; the first failure counts.
  void fail(int pid, const std::string& text) const;

 private:
  static Result<char*> map_at(uint64_t address, uint64_t length, int flags);
  Zone(uint64_t address, uint64_t length);
  Error failure() const;

  uint64_t address_, length_;
  StubControl* control_;
  DataSpace data_;
};

}  // namespace appshot
