// The flags of a process's mappings without looking at their pages: smaps tells them too, but
// counts every page on the way, which takes long where there are many.
//
// The kernel lists them as it has them (a BPF iterator); what each such number means in smaps is
// learnt from smaps itself, while the process runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/proc/process_dir.h"

namespace appshot {

class MappingFlags {
 public:
  // Of a running process, whose smaps is read if it has flags that are not known yet. An error
  // where the kernel does not let us.
  Result<> learn(const proc::ProcessDir& process);

  // As ProcessDir::mappings(); only how many bytes are its own is not told: all may be. None where
  // something is not known, or changes just now.
  std::optional<std::vector<proc::Mapping>> mappings(const proc::ProcessDir& process) const;

 private:
  struct Raw {
    uint64_t start, end, flags;
    bool operator==(const Raw&) const = default;
  };
  Result<> open();
  Result<std::vector<Raw>> list(HostPid pid) const;

  bool tried_ = false;
  UniqueFd program_;
  std::map<uint64_t, uint64_t> meaning_;  // of the kernel's flags, in VmFlag
};

}  // namespace appshot
