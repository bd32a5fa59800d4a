#include "rules/resolve.h"

#include <algorithm>

#include "rules/path.h"
#include "rules/quote.h"

namespace appshot::rules {
namespace {

// `path` lies within `from`; the same place within `to`.
std::string moved(const std::string& path, const std::string& from, const std::string& to) {
  std::string rest = path.substr(from == "/" ? 0 : from.size());
  if (to == "/") return rest.empty() ? to : rest;
  return rest == "/" ? to : to + rest;
}

template <typename T>
const T* deepest(const std::vector<T>& rules, const std::string& path) {
  const T* found = nullptr;
  for (const T& rule : rules)
    if (is_within(path, rule.path) && (!found || rule.path.size() > found->path.size()))
      found = &rule;
  return found;
}

// What instances have of their own stays in place when a folder around it goes elsewhere.
template <typename T>
const T* deciding(const std::vector<T>& rules, const std::string& path) {
  const T* rule = deepest(rules, path);
  std::string_view kept = kept_folder(path);
  return rule && (kept.empty() || is_within(rule->path, kept)) ? rule : nullptr;
}

Step step_of(const Exception& exception) {
  return {"EXCEPT PATH " + in_quotes(exception.path), exception.at.text()};
}

Step step_of(const EvaluatedRedirection& redirection) {
  return {std::string(redirection.is_link ? "LINK " : "REDIR PATH ") + in_quotes(redirection.path) +
              " TO " + in_quotes(redirection.to),
          redirection.at.text()};
}

}  // namespace

Resolution resolve(const Evaluated& evaluated, const std::string& path) {
  Resolution resolution{path, {}};
  const EvaluatedRedirection* redirection = deciding(evaluated.redirections, path);
  const Exception* exception = deciding(evaluated.exceptions, path);
  if (redirection && (!exception || redirection->path.size() > exception->path.size())) {
    resolution.path = moved(path, redirection->path, redirection->to);
    resolution.steps.push_back(step_of(*redirection));
    exception = deciding(evaluated.exceptions, resolution.path);
  }
  if (exception) resolution.steps.push_back(step_of(*exception));
  resolution.is_public = exception != nullptr;
  return resolution;
}

std::optional<std::string> public_name(const Evaluated& evaluated, const std::string& path) {
  std::vector<const EvaluatedRedirection*> leading_there;
  for (const EvaluatedRedirection& redirection : evaluated.redirections)
    if (is_within(path, redirection.to)) leading_there.push_back(&redirection);
  std::stable_sort(leading_there.begin(), leading_there.end(),
                   [](const auto* a, const auto* b) { return a->to.size() > b->to.size(); });
  for (const EvaluatedRedirection* redirection : leading_there) {
    std::string name = moved(path, redirection->to, redirection->path);
    if (resolve(evaluated, name).path == path) return name;
  }
  if (resolve(evaluated, path).path == path) return path;
  return std::nullopt;
}

}  // namespace appshot::rules
