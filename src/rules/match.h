// Which RESOURCE rule decides about a resource.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "rules/rule.h"

namespace appshot::rules {

struct Resource {
  ResourceType type = ResourceType::file;
  Access access = Access::read;
  std::string path{};             // as the application sees it; empty: it has none
  std::optional<uint32_t> key{};  // of System V IPC
  std::optional<uint16_t> port{};
};

// The last that matches; nothing: none does. It lies in `rules`, of Evaluated.
const ResourceRule* deciding_rule(std::span<const ResourceRule> rules, const Resource& resource);

}  // namespace appshot::rules
