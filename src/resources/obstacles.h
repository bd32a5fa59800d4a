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
  bool has(const Obstacle& obstacle) const {
    return std::find(all_.begin(), all_.end(), obstacle) != all_.end();
  }
  bool empty() const { return all_.empty(); }
  const std::vector<Obstacle>& all() const { return all_; }

 private:
  std::vector<Obstacle> all_;
};

// "process 12 (nginx)", the words every obstacle begins with.
inline std::string process_words(VirtualPid pid, const std::string& name) {
  return "process " + std::to_string(pid.value) + " (" + name + ")";
}

}  // namespace appshot
