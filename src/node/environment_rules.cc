// The interception database: everybody's rules and those of environments, and what they mean.
#include <sys/stat.h>

#include "isolation/layer_part.h"
#include "node/environments.h"
#include "rules/evaluate.h"
#include "rules/parse.h"
#include "rules/path.h"
#include "rules/resolve.h"

namespace appshot {
namespace {

constexpr char kEverybodys[] = "rules";  // the setting
constexpr char kOfConfiguration[] = "configuration";

void add(Json& list, const std::string& source, const std::string& text) {
  if (!text.empty()) list.push_back({{"source", source}, {"text", text}});
}

Json json_of(const rules::Resolution& resolution) {
  Json steps = Json::array();
  for (const rules::Step& step : resolution.steps)
    steps.push_back({{"what", step.what}, {"at", step.position}});
  return {
      {"leads_to", resolution.path}, {"public", resolution.is_public}, {"steps", std::move(steps)}};
}

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

Result<Json> Environments::rules(const std::string& name) {
  if (name.empty()) return Json{{"name", ""}, {"rules", TRY(node_.registry.setting(kEverybodys))}};
  return Json{{"name", name}, {"rules", TRY(node_.registry.environment(name)).rules}};
}

Result<Json> Environments::set_rules(const std::string& name, const std::string& text) {
  TRY(rules::parse(text, name.empty() ? "rules" : name));
  if (name.empty()) {
    TRY(node_.registry.set_setting(kEverybodys, text));
  } else {
    auto held = hold_layers();
    EnvironmentRecord record = TRY(node_.registry.environment(name));
    record.rules = text;
    record.changed_ms = unix_time_ms();
    TRY(node_.registry.update_environment(record));
  }
  node_.events.add(
      "", "rules-changed",
      name.empty() ? "rules for everybody: changed" : "environment " + name + ": rules changed");
  return rules(name);
}

Result<Json> Environments::all_rules(const std::string& environment) {
  Json list = Json::array();
  add(list, kOfConfiguration, node_.config.rules);
  add(list, "rules", TRY(node_.registry.setting(kEverybodys)));
  if (!environment.empty())
    add(list, environment, TRY(node_.registry.environment(environment)).rules);
  return list;
}

Result<Json> Environments::resolve(const std::string& name, const std::string& path,
                                   const std::string& aid) {
  const std::string asked = TRY(rules::normal_path(path));
  const Found found = TRY(find(name));
  Json texts = TRY(all_rules(name));
  std::vector<LayerFacts> layers = found.content.layers;
  rules::Variables variables{"<APPL-ID>", "<INSTANCE>", node_.config.node, name, "", {}};
  if (!aid.empty()) {
    const InstanceRecord instance = TRY(node_.registry.instance(aid));
    const Json spec = TRY(parse_json(instance.spec));
    if (string_at(field(spec, "environment"), "name") != name)
      return Error(ErrorClass::conflict,
                   instance.aid + " was not started in the environment " + name);
    texts = field(spec, "rules");
    layers.clear();
    const Json& lived_in = field(spec, "environment");
    for (const std::string& id : strings_at(lived_in, "layers"))
      layers.push_back({id, "", string_at(field(lived_in, "folders"), id.c_str())});
    variables.instance = instance.aid;
    variables.application_id = string_at(spec, "application", instance.aid);
  }
  std::vector<rules::Rules> layered;
  for (const Json& text : texts)
    layered.push_back(TRY(rules::parse(string_at(text, "text"), string_at(text, "source"))));
  const rules::Resolution resolution =
      rules::resolve(TRY(rules::evaluate(layered, variables)), asked);
  Json document = json_of(resolution);
  document["path"] = asked;
  document["layer"] = nullptr;
  const bool may_be_the_hosts = resolution.is_public || !found.content.own_root;
  document["found"] = may_be_the_hosts && is_there(resolution.path) ? "host" : "nowhere";
  if (resolution.is_public) return document;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const LayerPart part = TRY(part_of_layer(folder_of(*layer), resolution.path));
    if (!part.there && !part.hides_below) continue;
    if (part.behind_link) break;
    document["found"] = part.there ? "layer" : "removed";
    document["layer"] = layer->id;
    break;
  }
  return document;
}

}  // namespace appshot
