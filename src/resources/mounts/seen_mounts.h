// What an application has mounted: in mount namespaces of its own, and in its instance's. Told
// apart from what the instance itself has mounted by what that was when it was made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/mount_namespace.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"

namespace appshot::mounts {

// One mount namespace.
struct SeenSpace {
  std::string path;  // that leads to the namespace; empty: it is the instance's own
  MountNamespace look;

  // From here, of a path in it.
  std::string here(const std::string& inside) const;
  const proc::Mount* find(uint64_t id) const;
};

// A file system that is not the instance's own. All that is mounted of it lies below `top`, through
// which it can be seen.
struct SeenFileSystem {
  dev_t device = 0;
  const SeenSpace* space = nullptr;  // nullptr: it can be seen nowhere
  const proc::Mount* top = nullptr;
  // A /proc of a pid namespace of the application's own.
  bool of_nested_processes = false;
  // Of a sysfs: what leads to the network whose devices it shows.
  std::optional<std::string> network{};
  // What leads to that namespace from here; nothing when its first process has ended.
  std::string processes() const { return space->here(top->point) + "/1/ns/pid"; }
};

class SeenMounts {
 public:
  static Result<SeenMounts> look(const InstanceView& instance,
                                 const std::vector<ProcessSource>& processes);

  // There are none: the instance's own namespace is the only one, as it was, and all that is open
  // is there.
  bool empty() const { return spaces_.empty(); }

  void find_obstacles(Obstacles& obstacles) const;

  // The instance's own comes first.
  const std::vector<std::unique_ptr<SeenSpace>>& spaces() const { return spaces_; }
  const std::vector<proc::Mount>& before() const { return before_; }
  // The instance's own, when it was made; nullptr: the application has made it. (Numbers are given
  // to others when a mount is gone.)
  const proc::Mount* before(const proc::Mount& now) const;
  // One of before() as it is now; nullptr: it is gone, or was moved.
  const proc::Mount* now(const proc::Mount& before) const;
  // The mount of the instance itself through which a restore will find what this one shows;
  // nullptr: it is of a file system that the application has made.
  const proc::Mount* place_of(const proc::Mount& mount) const;
  const SeenFileSystem* system_of(const proc::Mount& mount) const;
  const std::vector<SeenFileSystem>& systems() const { return systems_; }
  bool is_own(const SeenSpace& space) const { return &space == spaces_.front().get(); }

 private:
  void find_file_systems();
  bool shows_nested_processes(const proc::Mount& mount, const proc::Mount* parent) const;
  void find_obstacles_of(const SeenSpace& space, const proc::Mount& mount,
                         Obstacles& obstacles) const;
  void find_changes(Obstacles& obstacles) const;
  void find_covered(Obstacles& obstacles) const;

  std::vector<std::unique_ptr<SeenSpace>> spaces_;
  std::vector<proc::Mount> before_;  // of the instance's own, when it was made
  std::vector<SeenFileSystem> systems_;
};

// The path is the folder or lies in it.
bool is_below(std::string_view path, std::string_view folder);

}  // namespace appshot::mounts
