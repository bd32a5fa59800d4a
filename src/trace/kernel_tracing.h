// How a thread is traced (ptrace), which its tracer knows and the kernel tells nobody.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

struct KernelTracing {
  bool traced = false;
  bool seized = false;   // PTRACE_SEIZE; else attached to, or by its own wish
  uint32_t options = 0;  // PTRACE_O_*
  bool to_call =
      false;           // it was let run to the next system call, or to the end of the one it is in
  bool steps = false;  // or to the next instruction
};

// Of the thread whose folder in /proc (PID/task/TID) that descriptor of ours is.
Result<KernelTracing> tracing_of(KernelView& kernel, int folder);

}  // namespace appshot
