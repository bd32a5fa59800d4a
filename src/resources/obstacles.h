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
  // One as long as somebody is between vfork and exec, which nearly always takes no time.
  void add_at_vfork(std::string what, std::string hint) {
    at_vfork_.push_back({what, hint});
    add_passing(std::move(what), std::move(hint));
  }
  // It lasts, and can be kept: those are none any more.
  void allow_vfork() {
    std::erase_if(all_, [&](const Obstacle& obstacle) { return is_among(at_vfork_, obstacle); });
  }
  bool at_vfork() const { return !at_vfork_.empty(); }
  bool may_pass() const { return may_pass_; }
  // Takes those of another look at the same.
  void add_all(const Obstacles& others) {
    for (const Obstacle& obstacle : others.all_) add(obstacle.what, obstacle.hint);
    at_vfork_.insert(at_vfork_.end(), others.at_vfork_.begin(), others.at_vfork_.end());
    may_pass_ |= others.may_pass_;
  }
  // Leaves those that are among the others too.
  void keep_common(const Obstacles& others) {
    for (auto* kept : {&all_, &at_vfork_})
      std::erase_if(*kept, [&](const Obstacle& obstacle) { return !others.has(obstacle); });
    may_pass_ &= others.may_pass_;
  }
  bool has(const Obstacle& obstacle) const { return is_among(all_, obstacle); }
  bool empty() const { return all_.empty(); }
  const std::vector<Obstacle>& all() const { return all_; }

 private:
  static bool is_among(const std::vector<Obstacle>& some, const Obstacle& obstacle) {
    return std::find(some.begin(), some.end(), obstacle) != some.end();
  }

  std::vector<Obstacle> all_;
  std::vector<Obstacle> at_vfork_;  // of all of them, before these were allowed
  bool may_pass_ = false;
};

// "process 12 (nginx)", the words every obstacle begins with.
inline std::string process_words(VirtualPid pid, const std::string& name) {
  return "process " + std::to_string(pid.value) + " (" + name + ")";
}

}  // namespace appshot
