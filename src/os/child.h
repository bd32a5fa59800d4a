// clone3 with what a restore needs of it: chosen ids, namespaces, a cgroup to start in.
#pragma once

#include <linux/sched.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

struct ChildOptions {
  uint64_t flags = 0;               // CLONE_*
  pid_t pid = 0;                    // in the innermost pid namespace; 0: any
  std::vector<pid_t> outer_pids{};  // and in those around it, from inside out
  int cgroup = -1;                  // start in this cgroup v2 folder
  int exit_signal = 17;             // SIGCHLD
  UniqueFd* pidfd = nullptr;
};

// Like fork: 0 in the child.
Result<pid_t> fork_child(const ChildOptions& options);

// In the caller's memory (CLONE_VM), on a stack of its own, whose end is told: the child runs
// `entry` there, which never returns.
Result<pid_t> clone_child(const ChildOptions& options, void* stack_end, void (*entry)(void*),
                          void* argument);

// A child that the parent must outlive (until told otherwise by PR_SET_PDEATHSIG 0).
Result<> die_with_parent(pid_t expected_parent);

// Everything that was inherited but standard input, output, error and these; -1 is none.
Result<> close_descriptors_except(std::vector<int> kept);

}  // namespace appshot
