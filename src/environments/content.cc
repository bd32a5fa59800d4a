#include "environments/content.h"

#include <algorithm>

namespace appshot {

std::vector<std::string> EnvironmentContent::layer_ids() const {
  std::vector<std::string> ids;
  for (const LayerFacts& layer : layers) ids.push_back(layer.id);
  return ids;
}

int64_t EnvironmentContent::bytes() const {
  int64_t sum = 0;
  for (const LayerFacts& layer : layers) sum += layer.bytes;
  return sum;
}

Json content_to_json(const EnvironmentContent& content) {
  Json layers = Json::array();
  for (const LayerFacts& layer : content.layers)
    layers.push_back({{"id", layer.id},
                      {"what", layer.what},
                      {"folder", layer.folder},
                      {"created_ms", layer.created_ms},
                      {"bytes", layer.bytes}});
  return {{"base", content.own_root ? "own" : "host"},
          {"layers", std::move(layers)},
          {"program", content.program}};
}

Result<EnvironmentContent> content_from_json(const Json& document) {
  EnvironmentContent content;
  const std::string base = string_at(document, "base");
  if (base != "own" && base != "host")
    return Error(ErrorClass::corrupt, "an environment over '" + base + "' is not known");
  content.own_root = base == "own";
  for (const Json& layer : field(document, "layers")) {
    content.layers.push_back({string_at(layer, "id"), string_at(layer, "what"),
                              string_at(layer, "folder"), int_at(layer, "created_ms"),
                              int_at(layer, "bytes")});
    if (!is_layer_id(content.layers.back().id))
      return Error(ErrorClass::corrupt, "an environment has a layer without a valid id");
  }
  if (const Json& program = field(document, "program"); program.is_object())
    content.program = program;
  return content;
}

bool is_layer_id(const std::string& id) {
  return id.size() == kLayerIdDigits && std::ranges::all_of(id, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<> check_environment_name(const std::string& name) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool valid = !name.empty() && name.size() <= kEnvironmentNameMax && is_letter(name[0]) &&
                     std::ranges::all_of(name, [&](char c) {
                       return is_letter(c) || c == '-' || c == '_' || c == '.';
                     });
  if (valid) return {};
  return Error(ErrorClass::usage, "'" + name + "' cannot be the name of an environment")
      .hint("1 to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit");
}

}  // namespace appshot
