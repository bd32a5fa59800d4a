#include "rules/match.h"

#include "rules/glob.h"

namespace appshot::rules {
namespace {

bool selects(const Selector& which, const Resource& resource) {
  if (const auto* paths = std::get_if<PathPattern>(&which))
    return !resource.path.empty() && glob_matches(paths->glob, resource.path);
  if (const auto* key = std::get_if<KeyPattern>(&which))
    return resource.key && (!key->key || *key->key == *resource.key);
  if (const auto* ports = std::get_if<PortPattern>(&which))
    return resource.port && *resource.port >= ports->first && *resource.port <= ports->last;
  return true;
}

}  // namespace

const ResourceRule* deciding_rule(std::span<const ResourceRule> rules, const Resource& resource) {
  for (size_t i = rules.size(); i-- > 0;) {
    const ResourceRule& rule = rules[i];
    const bool on = (rule.accesses & static_cast<uint8_t>(resource.access)) != 0;
    if (rule.type == resource.type && on && selects(rule.which, resource)) return &rule;
  }
  return nullptr;
}

}  // namespace appshot::rules
