// Where a path goes, and by which rule; and what a place is called by the application.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/evaluate.h"

namespace appshot::rules {

struct Step {
  std::string what;      // REDIR PATH "/etc/app" TO "/srv/web"
  std::string position;  // rules:3:1
  bool operator==(const Step&) const = default;
};

struct Resolution {
  std::string path;  // in the world below: the instance's files, and the public paths among them
  std::vector<Step> steps;
  bool is_public = false;  // it is the host's
};

// The rule whose path is the deepest decides, and only one: what a REDIR or LINK leads to is found
// in the world below, in which there are public paths but no redirections. `path` is a normal_path.
Resolution resolve(const Evaluated& evaluated, const std::string& path);

// The name by which the application finds what is at `path` in the world below, so that resolve
// leads back to it. Nothing: something else hides it from the application.
std::optional<std::string> public_name(const Evaluated& evaluated, const std::string& path);

}  // namespace appshot::rules
