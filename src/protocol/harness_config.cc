#include "protocol/harness_config.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>

namespace appshot {
namespace {

Json rules_to_json(const std::vector<HarnessConfig::RulesText>& rules) {
  Json list = Json::array();
  for (const HarnessConfig::RulesText& one : rules)
    list.push_back({{"source", one.source}, {"text", one.text}});
  return list;
}

}  // namespace

Json limits_to_json(const InstanceLimits& limits) {
  return {{"memory", limits.memory_bytes}, {"cpus", limits.cpus}, {"pids", limits.pids}};
}

InstanceLimits limits_from_json(const Json& document) {
  const Json& cpus = field(document, "cpus");
  return {int_at(document, "memory"), cpus.is_number() ? cpus.get<double>() : 0,
          int_at(document, "pids")};
}

Json privileges_to_json(const Privileges& privileges) {
  return {{"all", privileges.all},
          {"capabilities", privileges.capabilities},
          {"setuid", privileges.setuid}};
}

Privileges privileges_from_json(const Json& document) {
  if (document.is_null()) return {true, {}, true};
  return {bool_at(document, "all"), strings_at(document, "capabilities"),
          bool_at(document, "setuid")};
}

Json harness_config_to_json(const HarnessConfig& config) {
  return {{"mode", config.mode},
          {"aid", config.aid},
          {"state_dir", config.state_dir},
          {"run_dir", config.run_dir},
          {"argv", config.argv},
          {"env", config.env},
          {"cwd", config.cwd},
          {"user", config.user},
          {"hostname", config.hostname},
          {"tty", config.tty},
          {"stdin", config.stdin_open},
          {"hold_start", config.hold_start},
          {"allow_io_uring", config.allow_io_uring},
          {"ends_with_program", config.ends_with_program},
          {"share", config.share},
          {"public_paths", config.public_paths},
          {"limits", limits_to_json(config.limits)},
          {"privileges", privileges_to_json(config.privileges)},
          {"root", config.root},
          {"environment", config.environment},
          {"layers", config.layers},
          {"rules", rules_to_json(config.rules)},
          {"application", config.application},
          {"node", config.node},
          {"rule_env", config.rule_env},
          {"address", config.address},
          {"address_v6", config.address_v6},
          {"inner_address", config.inner_address},
          {"node_address", config.node_address},
          {"node_address_v6", config.node_address_v6},
          {"name_server", config.name_server},
          {"ports", config.ports},
          {"keep_connections", config.keep_connections},
          {"image", config.image},
          {"image_goes", config.image_goes},
          {"memory", config.memory},
          {"event", config.event},
          {"generation", config.generation},
          {"frozen", config.frozen},
          {"template_name", config.template_name},
          {"set_env", config.set_env}};
}

Result<HarnessConfig> harness_config_from_json(const Json& document) {
  HarnessConfig config;
  config.mode = string_at(document, "mode");
  config.aid = string_at(document, "aid");
  config.state_dir = string_at(document, "state_dir");
  config.run_dir = string_at(document, "run_dir");
  config.argv = strings_at(document, "argv");
  config.env = strings_at(document, "env");
  config.cwd = string_at(document, "cwd", "/");
  config.user = string_at(document, "user");
  config.hostname = string_at(document, "hostname");
  config.tty = bool_at(document, "tty");
  config.stdin_open = bool_at(document, "stdin");
  config.hold_start = bool_at(document, "hold_start");
  config.allow_io_uring = bool_at(document, "allow_io_uring");
  config.ends_with_program = bool_at(document, "ends_with_program");
  config.share = strings_at(document, "share");
  config.public_paths = strings_at(document, "public_paths");
  config.limits = limits_from_json(field(document, "limits"));
  config.privileges = privileges_from_json(field(document, "privileges"));
  config.root = static_cast<uint32_t>(int_at(document, "root"));
  config.environment = field(document, "environment");
  config.layers = strings_at(document, "layers");
  for (const Json& rules : field(document, "rules"))
    config.rules.push_back({string_at(rules, "source"), string_at(rules, "text")});
  config.application = string_at(document, "application");
  config.node = string_at(document, "node");
  config.rule_env = strings_at(document, "rule_env");
  config.address = string_at(document, "address");
  config.address_v6 = string_at(document, "address_v6");
  config.inner_address = string_at(document, "inner_address");
  config.node_address = string_at(document, "node_address");
  config.node_address_v6 = string_at(document, "node_address_v6");
  config.name_server = string_at(document, "name_server");
  config.ports = strings_at(document, "ports");
  config.keep_connections = bool_at(document, "keep_connections");
  config.image = string_at(document, "image");
  config.image_goes = bool_at(document, "image_goes");
  config.memory = string_at(document, "memory");
  config.event = string_at(document, "event", "launch");
  config.generation = int_at(document, "generation", 1);
  config.frozen = string_at(document, "frozen");
  config.template_name = string_at(document, "template_name");
  config.set_env = strings_at(document, "set_env");

  auto lacks = [](const char* what) {
    return Error(ErrorClass::usage, std::string("the harness configuration lacks ") + what);
  };
  bool known = config.mode == "launch" || config.mode == "restore" || config.mode == "adopt" ||
               config.mode == "seed";
  if (!known) return lacks("a known mode");
  if (config.mode == "seed") {
    if (config.image.empty()) return lacks("an image");
    return config;
  }
  if (config.aid.empty()) return lacks("an aid");
  if (config.state_dir.empty() || config.run_dir.empty()) return lacks("its folders");
  if (config.mode == "launch" && config.argv.empty()) return lacks("a program");
  if (config.mode == "restore" && config.image.empty()) return lacks("an image");
  return config;
}

}  // namespace appshot
