// What an environment consists of: layers of files over the host's, or over nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/json.h"

namespace appshot {

// 32 hexadecimal digits, at random: the same on every node that has the layer.
inline constexpr size_t kLayerIdDigits = 32;
inline constexpr size_t kEnvironmentNameMax = 63;
bool is_layer_id(const std::string& id);

struct LayerFacts {
  std::string id;
  std::string what;  // how it came about: "apt-get install -y nginx"
  // Where its files are, if not among those that appshot keeps: shared with others, say, and only
  // ever read.
  std::string folder;
  int64_t created_ms = 0;
  int64_t bytes = 0;
  bool operator==(const LayerFacts&) const = default;
};

struct EnvironmentContent {
  bool own_root = false;           // nothing of the host's files lies below
  std::vector<LayerFacts> layers;  // lowest first
  // What an image said about the program in it: Env, Entrypoint, Cmd, WorkingDir, User.
  Json program = Json::object();

  std::vector<std::string> layer_ids() const;
  int64_t bytes() const;
  bool operator==(const EnvironmentContent&) const = default;
};

Json content_to_json(const EnvironmentContent& content);
Result<EnvironmentContent> content_from_json(const Json& document);

// As an AID.
Result<> check_environment_name(const std::string& name);

}  // namespace appshot
