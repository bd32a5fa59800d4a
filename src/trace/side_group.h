// A cgroup beside the application's, in which some of its processes stand frozen while others of it
// can be made to work. They are put back when this ends; should we die first, the instance's init
// lets them run, and whoever freezes the application next finds them there.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "os/cgroup.h"
#include "os/pids.h"

namespace appshot {

class SideGroup {
 public:
  // Frozen, and empty.
  static Result<SideGroup> make(const Cgroup& application);
  SideGroup(SideGroup&& other) noexcept;
  SideGroup& operator=(SideGroup&&) = delete;
  ~SideGroup();

  Result<> take(HostPid process);
  Result<> freeze() const { return group_->begin_freeze(); }
  Result<> thaw() const { return group_->thaw(); }
  // Those who are frozen there are so here as long as the application is.
  Result<> give_back();

  // What one has left that died.
  static Result<> clear(const Cgroup& application);

 private:
  SideGroup(const Cgroup& application, Cgroup group)
      : application_(&application), group_(std::move(group)) {}
  const Cgroup* application_;
  std::optional<Cgroup> group_;
};

}  // namespace appshot
