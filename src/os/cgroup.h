// A cgroup v2 folder: where an instance's processes live, are frozen together and killed together.
#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// Where cgroup v2 is mounted on this machine (plain or as the `unified` folder beside v1).
Result<std::string> cgroup_root();

// The folder of an instance's groups.
Result<std::string> instance_group(const std::string& aid, const std::string& state_dir);
// Ends everything in such a folder and removes it; the common parent goes with the last instance of
// the machine.
Result<> remove_instance_group(const std::string& path, Deadline deadline);

class Cgroup {
 public:
  Cgroup() = default;
  static Result<Cgroup> create(const std::string& path);
  static Result<Cgroup> open(const std::string& path);

  const std::string& path() const { return path_; }
  int folder() const { return folder_.get(); }

  // Returns when every task in it is frozen; thaws again and fails at the deadline.
  Result<> freeze(Deadline deadline) const;
  Result<> begin_freeze() const;
  Result<> thaw() const;
  Result<bool> populated() const;
  Result<> wait_empty(Deadline deadline) const;
  Result<> take(pid_t pid) const;                // a process, with all its threads
  Result<> kill_all() const;                     // SIGKILL to every task, forks included
  Result<std::vector<pid_t>> processes() const;  // as seen from the caller's pid namespace
  Result<> remove() const;                       // it must be empty

 private:
  Cgroup(std::string path, UniqueFd folder) : path_(std::move(path)), folder_(std::move(folder)) {}
  Result<> wait_event(std::string_view event, Deadline deadline) const;

  std::string path_;
  UniqueFd folder_;
};

}  // namespace appshot
