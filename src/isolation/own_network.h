// An instance's network namespace. Making one takes the kernel longer than all other kinds
// together, so a harness makes it, for itself, before it knows whose harness it will be; the init
// that it forks is born into it.
#pragma once

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

class OwnNetwork {
 public:
  // This process moves into a network namespace of its own, with nothing but loopback. Where that
  // fails enter() tries again and says why.
  static OwnNetwork prepare();

  Result<> enter();
  // Into that one instead.
  Result<> enter(int network);
  // Back to where the process came from, for an instance that shares the network.
  Result<> leave();

  // Of the namespace that the process came from; -1 when it is there.
  int host() const { return before_.get(); }

 private:
  UniqueFd before_;  // open while this process is in a namespace of its own
};

}  // namespace appshot
