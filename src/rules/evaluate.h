// What rules mean for one instance: no variables any more. Evaluated anew for each: after a restore
// under another AID, for a clone, on another node.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "rules/rule.h"

namespace appshot::rules {

// What the properties are.
struct Variables {
  std::string application_id;
  std::string instance;
  std::string node;
  std::string environment;
  std::string template_name;
  std::vector<std::string> env;  // KEY=VALUE, as the program is given it before any rule
};

struct EvaluatedRedirection {
  std::string path;
  std::string to;
  bool create = false;
  bool readonly = false;
  bool copy = false;
  bool is_link = false;
  Position at{};
  bool operator==(const EvaluatedRedirection&) const = default;
};

struct Evaluated {
  // No two of both have one path. In the order of their paths: what lies within another comes
  // later.
  std::vector<EvaluatedRedirection> redirections;
  std::vector<Exception> exceptions;
  std::vector<std::string> env;         // KEY=VALUE, to be set
  std::vector<ResourceRule> resources;  // see deciding_rule
  bool operator==(const Evaluated&) const = default;
};

// `layered`: everybody's, the environment's, the instance's. Of rules for one path, whatever they
// say, and for one environment variable the last holds; the others are not evaluated. Each text has
// its own definitions. An error (class usage) names the rule, the variable and its value.
//
// In SET ENV only variables are replaced. A path in it that a rule redirects stays as it is: that
// is its public name, by which the program finds what it was redirected to.
Result<Evaluated> evaluate(const std::vector<Rules>& layered, const Variables& variables);

}  // namespace appshot::rules
