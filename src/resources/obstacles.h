// What is in the way of a snapshot, collected so that the user is told everything at once.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "os/pids.h"

namespace appshot {

class Obstacles {
 public:
  void add(std::string what, std::string hint = "") {
    Obstacle obstacle{std::move(what), std::move(hint)};
    if (!has(obstacle)) all_.push_back(std::move(obstacle));
  }
  // One that a moment of patience may clear away.
  void add_passing(std::string what, std::string hint) {
    add(std::move(what), std::move(hint));
    may_pass_ = true;
  }
  bool may_pass() const { return may_pass_; }
  // Takes those of another look at the same.
  void add_all(const Obstacles& others) {
    for (const Obstacle& obstacle : others.all_) add(obstacle.what, obstacle.hint);
    may_pass_ |= others.may_pass_;
  }
  // Leaves those that are among the others too.
  void keep_common(const Obstacles& others) {
    std::erase_if(all_, [&](const Obstacle& obstacle) { return !others.has(obstacle); });
    may_pass_ &= others.may_pass_;
  }
  bool has(const Obstacle& obstacle) const {
    return std::find(all_.begin(), all_.end(), obstacle) != all_.end();
  }
  bool empty() const { return all_.empty(); }
  const std::vector<Obstacle>& all() const { return all_; }

 private:
  std::vector<Obstacle> all_;
  bool may_pass_ = false;
};

// "process 12 (nginx)", the words every obstacle begins with.
inline std::string process_words(VirtualPid pid, const std::string& name) {
  return "process " + std::to_string(pid.value) + " (" + name + ")";
}

}  // namespace appshot
