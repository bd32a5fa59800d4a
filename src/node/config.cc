// The only file that includes toml++.
#include "node/config.h"

#define TOML_EXCEPTIONS 0
#include <sys/utsname.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>

#include "base/size.h"
#include "rules/parse.h"

namespace appshot {
namespace {

using Setter = std::function<bool(const toml::node&)>;

Setter text_into(std::string& target) {
  return [&target](const toml::node& node) {
    auto value = node.value_exact<std::string>();
    if (value) target = *value;
    return value.has_value();
  };
}

Setter number_into(int64_t& target) {
  return [&target](const toml::node& node) {
    auto value = node.value_exact<int64_t>();
    if (value && *value >= 0) target = *value;
    return value.has_value() && *value >= 0;
  };
}

Setter size_into(int64_t& target) {
  return [&target](const toml::node& node) {
    auto text = node.value_exact<std::string>();
    Result<int64_t> size = parse_size(text.value_or(""));
    if (size) target = *size;
    return static_cast<bool>(size);
  };
}

Setter flag_into(bool& target) {
  return [&target](const toml::node& node) {
    auto value = node.value_exact<bool>();
    if (value) target = *value;
    return value.has_value();
  };
}

std::string host_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "localhost";
}

Error wrong(const std::string& name, const toml::source_region& at, const std::string& what) {
  return Error(ErrorClass::usage, name + ":" + std::to_string(at.begin.line) + ": " + what);
}

}  // namespace

std::vector<std::string> config_files() {
  std::vector<std::string> files{"/etc/appshot/appshot.toml"};
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (xdg != nullptr && *xdg != '\0') {
    files.push_back(std::string(xdg) + "/appshot/appshot.toml");
  } else if (home != nullptr && *home != '\0') {
    files.push_back(std::string(home) + "/.config/appshot/appshot.toml");
  }
  return files;
}

Result<> apply_config_text(const std::string& text, const std::string& name, NodeConfig& config) {
  toml::parse_result parsed = toml::parse(text);
  if (!parsed)
    return wrong(name, parsed.error().source(), std::string(parsed.error().description()));
  const std::map<std::string, Setter, std::less<>> known{
      {"daemon.log_level", text_into(config.log_level)},
      {"daemon.harness", text_into(config.harness)},
      {"daemon.stop_timeout_ms", number_into(config.stop_timeout_ms)},
      {"daemon.start_timeout_ms", number_into(config.start_timeout_ms)},
      {"network.range", text_into(config.network_range)},
      {"node.name", text_into(config.node)},
      {"environments.rules", text_into(config.rules)},
      {"templates.memory", size_into(config.template_memory)},
      {"snapshots.sync", flag_into(config.sync_snapshots)},
      {"limits.events", number_into(config.events_max)},
  };
  for (const auto& [section, content] : parsed.table()) {
    const toml::table* table = content.as_table();
    if (table == nullptr)
      return wrong(name, content.source(), std::string(section.str()) + " must be in a section");
    for (const auto& [key, node] : *table) {
      std::string path = std::string(section.str()) + "." + std::string(key.str());
      auto found = known.find(path);
      if (found == known.end()) return wrong(name, node.source(), "unknown setting " + path);
      if (!found->second(node)) return wrong(name, node.source(), path + " has the wrong type");
    }
  }
  return {};
}

Result<> apply_config_file(const std::string& path, NodeConfig& config) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return Error::from_errno(errno, "open " + path);
  }
  std::string text;
  char buffer[4096];
  while (size_t got = std::fread(buffer, 1, sizeof(buffer), file)) text.append(buffer, got);
  std::fclose(file);
  return apply_config_text(text, path, config);
}

void apply_config_environment(NodeConfig& config) {
  if (const char* level = std::getenv("APPSHOT_LOG_LEVEL")) config.log_level = level;
  if (const char* harness = std::getenv("APPSHOT_HARNESS")) config.harness = harness;
}

Result<NodeConfig> load_config() {
  NodeConfig config;
  for (const std::string& file : config_files()) TRY(apply_config_file(file, config));
  apply_config_environment(config);
  if (config.node.empty()) config.node = host_name();
  TRY(rules::parse(config.rules, "environments.rules"));
  return config;
}

}  // namespace appshot
