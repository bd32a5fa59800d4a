#include "harness/rules.h"

#include "harness/folder_copy.h"
#include "harness/needed_files.h"
#include "rules/evaluate.h"
#include "rules/parse.h"

namespace appshot {
namespace {

Result<rules::Evaluated> evaluate_for(const HarnessConfig& config,
                                      const std::vector<rules::Rules>& layered) {
  return rules::evaluate(
      layered, {config.application, config.aid, config.node, string_at(config.environment, "name"),
                config.template_name, config.env});
}

Result<> remember_former(const FormerLife& former, const std::vector<rules::Rules>& layered,
                         FileWorld& world) {
  const rules::Evaluated then =
      TRY(evaluate_for(former.config, layered).within("the rules at the time of the snapshot"));
  for (Redirection& now : world.redirections)
    for (const rules::EvaluatedRedirection& one : then.redirections)
      if (one.path == now.path && one.to != now.to) now.former = one.to;
  return add_needed(former.image, world.public_paths, world.redirections);
}

}  // namespace

Result<> apply_rules(HarnessConfig& config, FileWorld& world, const FormerLife* former) {
  for (const std::string& text : config.public_paths)
    world.public_paths.push_back(TRY(parse_public_path(text)));
  if (config.rules.empty()) return {};
  std::vector<rules::Rules> layered;
  for (const HarnessConfig::RulesText& one : config.rules)
    layered.push_back(TRY(rules::parse(one.text, one.source)));
  const rules::Evaluated evaluated = TRY(evaluate_for(config, layered));
  for (const rules::Exception& shown : evaluated.exceptions)
    world.public_paths.push_back({shown.path, shown.path, shown.readonly});
  for (const rules::EvaluatedRedirection& one : evaluated.redirections)
    world.redirections.push_back(
        {one.path, one.to, one.create, one.copy, one.readonly, one.is_link, one.at.text()});
  if (former != nullptr) TRY(remember_former(*former, layered, world));
  world.copy_folder = copy_folder;
  config.rule_env = evaluated.env;
  return {};
}

std::vector<std::string> merged_environment(std::vector<std::string> env,
                                            const std::vector<std::string>& set) {
  for (const std::string& entry : set) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& known) { return known.starts_with(name); });
    env.push_back(entry);
  }
  return env;
}

}  // namespace appshot
