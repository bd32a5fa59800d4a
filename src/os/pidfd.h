// A process held by descriptor, and copies of its descriptors.
#pragma once

#include "base/result.h"
#include "os/pids.h"
#include "os/unique_fd.h"

namespace appshot {

class Pidfd {
 public:
  static Result<Pidfd> open(HostPid pid);
  int fd() const { return fd_.get(); }
  UniqueFd release() && { return std::move(fd_); }
  void send(int signal) const;  // to one that has ended already: nothing
  // The same open file description as the process's descriptor.
  Result<UniqueFd> take_copy(int descriptor) const;

 private:
  explicit Pidfd(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace appshot
