// Going into another namespace and back, for the calling thread alone.
#pragma once

#include <fcntl.h>
#include <sched.h>

#include <string>

#include "base/check.h"
#include "base/result.h"
#include "os/file.h"

namespace appshot {

// It comes back whatever happens. Not for mount and user namespaces, which not every thread can
// enter.
class NamespaceVisit {
 public:
  // `path` leads to the namespace, `kind` is what /proc/PID/ns calls it.
  static Result<NamespaceVisit> to(const std::string& path, const std::string& kind) {
    UniqueFd home = TRY(open_file("/proc/thread-self/ns/" + kind, O_RDONLY | O_CLOEXEC));
    UniqueFd there = TRY(open_file(path, O_RDONLY | O_CLOEXEC));
    TRY_SYS(::setns(there.get(), 0));
    return NamespaceVisit(std::move(home));
  }
  NamespaceVisit(NamespaceVisit&&) = default;
  // Nothing can be done in the wrong namespace.
  ~NamespaceVisit() {
    if (home_) CHECK(::setns(home_.get(), 0) == 0);
  }

 private:
  explicit NamespaceVisit(UniqueFd home) : home_(std::move(home)) {}
  UniqueFd home_;
};

}  // namespace appshot
