// What an instance is held to: memory, processors and processes, by the kernel's controllers. Where
// cgroup v2 has one, the instance's own group is limited; where it belongs to a hierarchy of v1,
// the instance has a group of the same name there, which its processes are born into.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

struct InstanceLimits {
  int64_t memory_bytes = 0;  // 0: none; the same holds for the others
  double cpus = 0;
  int64_t pids = 0;

  bool any() const { return memory_bytes != 0 || cpus != 0 || pids != 0; }
  bool operator==(const InstanceLimits&) const = default;
};

// Class usage: nothing could live so.
Result<> check_limits(const InstanceLimits& limits);

// Class unsupported: this machine has not what they take.
Result<> refuse_if_not_here(const InstanceLimits& limits);

// Where this machine has its controllers.
struct ControllerPlaces {
  std::string unified;                     // where cgroup v2 is mounted
  std::set<std::string> in_unified;        // what it controls
  std::map<std::string, std::string> own;  // controllers of v1: where their hierarchy is mounted
};
ControllerPlaces controller_places(const std::string& mountinfo, const std::string& in_unified);
Result<ControllerPlaces> find_controllers();

class LimitedGroups {
 public:
  LimitedGroups() = default;
  // Of the instance with that group of cgroup v2. Class unsupported when the machine lacks what a
  // limit takes; nothing has been done then.
  static Result<LimitedGroups> plan(const InstanceLimits& limits, const std::string& group,
                                    const ControllerPlaces& places);
  static Result<LimitedGroups> plan(const InstanceLimits& limits, const std::string& group);

  // The instance's own group exists already.
  Result<> create() const;
  // Who writes "0" to each of these, in the instance or on its way there, is a member, and so are
  // its children.
  Result<std::vector<UniqueFd>> entries() const;
  // From now on. Class exhausted when the members have more already.
  Result<> impose() const;

  // What tells (by POLLPRI or POLLIN) that memory may have run out; none without such a limit.
  Result<UniqueFd> watch_memory() const;
  // How many processes the kernel has ended for want of memory.
  int64_t memory_kills() const;

 private:
  struct Group {
    std::string folder;
    bool unified = false;
  };
  Result<> enable_unified(const std::string& controller) const;
  Result<> limit_memory(const Group& group) const;
  Result<> limit_cpus(const Group& group) const;
  Result<> limit_pids(const Group& group) const;

  InstanceLimits limits_;
  ControllerPlaces places_;
  std::map<std::string, Group> groups_;  // by controller
};

// Those of v1 that go with that group of cgroup v2, whatever was limited. They must be empty.
Result<> remove_limited_groups(const std::string& group);

}  // namespace appshot
