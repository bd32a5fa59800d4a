// Whether anybody of a cgroup has written a file below /proc/sys/net. To read all of these files
// takes longer than everything else that is asked about most applications.
#pragma once

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class SettingWrites {
 public:
  // Unsupported where the kernel cannot tell.
  static Result<SettingWrites> prepare();
  // Of that one and all below it, from now on.
  Result<> watch(int cgroup);

  // Also when that is not known.
  bool may_have_been() const;

 private:
  UniqueFd map_;  // of one number, which the program sets
  UniqueFd program_;
  UniqueFd link_;  // with the cgroup
};

}  // namespace appshot
