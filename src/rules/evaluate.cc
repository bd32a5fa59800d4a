#include "rules/evaluate.h"

#include <map>

#include "rules/path.h"
#include "rules/quote.h"
#include "rules/words.h"

namespace appshot::rules {
namespace {

// What one string of an environment can have (MAX_ARG_STRLEN), without the NUL.
constexpr size_t kEnvironmentBytesMax = 128 * 1024 - 1;

using Environment = std::map<std::string_view, std::string_view>;

// Of several of one name the first counts, as for getenv.
Environment environment_of(const Variables& variables) {
  Environment environment;
  for (std::string_view entry : variables.env) {
    const size_t name = entry.find('=');
    if (name != std::string_view::npos)
      environment.emplace(entry.substr(0, name), entry.substr(name + 1));
  }
  return environment;
}

// The variables of one text. What it is made of lives longer.
class Values {
 public:
  Values(const Rules& rules, const Variables& variables, const Environment& environment)
      : variables_(variables), environment_(environment) {
    for (const auto& [name, property] : kPredefined)
      defined_[std::string(name)] = {.name = std::string(name), .property = property};
    for (const Definition& definition : rules.definitions) defined_[definition.name] = definition;
  }

  Result<std::string> path(const Text& text) const {
    std::string path;
    for (const Piece& piece : text.pieces) {
      if (!piece.is_variable) {
        path += piece.text;
        continue;
      }
      std::string value = TRY(value_of(piece.text));
      std::optional<std::string> fault = fault_of_part(value);
      if (fault) return told(piece.text, value, "and cannot be part of a path: " + *fault);
      path += value;
      if (path.size() > kPathBytesMax)
        return told(piece.text, value,
                    "and makes the path longer than the " + std::to_string(kPathBytesMax) +
                        " bytes it can have");
    }
    return TRY(normal_path(path));
  }

  Result<std::string> text(const Text& text, size_t bytes_max) const {
    std::string whole;
    for (const Piece& piece : text.pieces) {
      std::string value = piece.is_variable ? TRY(value_of(piece.text)) : piece.text;
      if (piece.is_variable && value.find('\0') != std::string::npos)
        return told(piece.text, value,
                    "and cannot be part of an environment variable: a NUL ends it");
      whole += value;
      if (whole.size() > bytes_max)
        return Error(ErrorClass::usage,
                     "the value is longer than the kernel takes, with the name " +
                         std::to_string(kEnvironmentBytesMax) + " bytes");
    }
    return whole;
  }

 private:
  static Error told(const std::string& name, const std::string& value, const std::string& what) {
    return Error(ErrorClass::usage, "<" + name + "> is " + in_quotes(value) + " " + what);
  }

  Result<std::string> value_of(const std::string& name) const {
    auto found = defined_.find(name);
    if (found == defined_.end()) return Error(ErrorClass::usage, "<" + name + "> is not defined");
    switch (found->second.property) {
      case Property::application_id:
        return variables_.application_id;
      case Property::instance:
        return variables_.instance;
      case Property::node:
        return variables_.node;
      case Property::environment:
        return variables_.environment;
      case Property::template_name:
        return variables_.template_name;
      case Property::env:
        return of_environment(name, found->second.argument);
      case Property::literal:
        break;
    }
    return found->second.argument;
  }

  Result<std::string> of_environment(const std::string& name, const std::string& variable) const {
    auto found = environment_.find(variable);
    if (found != environment_.end()) return std::string(found->second);
    return Error(ErrorClass::usage, "<" + name + "> is the environment variable " + variable +
                                        ", which the program is not given");
  }

  const Variables& variables_;
  const Environment& environment_;
  std::map<std::string, Definition> defined_;
};

// The one rule that holds for a path, and the variables it speaks of.
struct PathRule {
  const Values* values = nullptr;
  std::variant<const Exception*, const Redirection*, const Link*> rule;
};

struct SettingRule {
  const Values* values = nullptr;
  const Setting* setting = nullptr;
};

Result<EvaluatedRedirection> redirected(const Values& values, EvaluatedRedirection redirection,
                                        const Text& to) {
  auto evaluate_target = [&]() -> Result<std::string> {
    std::string target = TRY(values.path(to));
    std::optional<std::string> fault = fault_of_target(redirection.path, target);
    if (fault) return Error(ErrorClass::usage, in_quotes(target) + ": " + *fault);
    return target;
  };
  redirection.to = TRY(evaluate_target().within(redirection.at.text()));
  return redirection;
}

Result<> evaluate_path(const PathRule& chosen, Evaluated& evaluated) {
  if (const auto* exception = std::get_if<const Exception*>(&chosen.rule)) {
    evaluated.exceptions.push_back(**exception);
  } else if (const auto* link = std::get_if<const Link*>(&chosen.rule)) {
    const Link& l = **link;
    evaluated.redirections.push_back(TRY(redirected(
        *chosen.values, {.path = l.path, .to = {}, .create = l.create, .is_link = true, .at = l.at},
        l.to)));
  } else {
    const Redirection& r = *std::get<const Redirection*>(chosen.rule);
    EvaluatedRedirection redirection{.path = r.path,
                                     .to = {},
                                     .create = r.create,
                                     .readonly = r.readonly,
                                     .copy = r.copy,
                                     .at = r.at};
    evaluated.redirections.push_back(TRY(redirected(*chosen.values, redirection, r.to)));
  }
  return {};
}

Result<std::string> evaluate_setting(const SettingRule& chosen) {
  const std::string& name = chosen.setting->name;
  const size_t left = kEnvironmentBytesMax - std::min(kEnvironmentBytesMax, name.size() + 1);
  return name + "=" +
         TRY(chosen.values->text(chosen.setting->value, left).within(chosen.setting->at.text()));
}

}  // namespace

Result<Evaluated> evaluate(const std::vector<Rules>& layered, const Variables& variables) {
  const Environment environment = environment_of(variables);
  std::vector<Values> values;
  values.reserve(layered.size());  // rules point to them
  std::map<std::string, PathRule> paths;
  std::map<std::string, SettingRule> settings;
  Evaluated evaluated;
  for (const Rules& rules : layered) {
    const Values* own = &values.emplace_back(rules, variables, environment);
    for (const Exception& exception : rules.exceptions) paths[exception.path] = {own, &exception};
    for (const Redirection& redirection : rules.redirections)
      paths[redirection.path] = {own, &redirection};
    for (const Link& link : rules.links) paths[link.path] = {own, &link};
    for (const Setting& setting : rules.settings) settings[setting.name] = {own, &setting};
    evaluated.resources.insert(evaluated.resources.end(), rules.resources.begin(),
                               rules.resources.end());
  }
  for (const auto& [path, chosen] : paths) TRY(evaluate_path(chosen, evaluated));
  for (const auto& [name, chosen] : settings)
    evaluated.env.push_back(TRY(evaluate_setting(chosen)));
  return evaluated;
}

}  // namespace appshot::rules
