// The daemon's settings: /etc/appshot/appshot.toml, then the user's file, then the environment,
// then flags; the later wins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

struct NodeConfig {
  std::string log_level = "info";
  std::string harness;  // the program; empty: appshot-harness beside the daemon's own
  int64_t stop_timeout_ms = 10'000;
  int64_t start_timeout_ms = 30'000;
  int64_t events_max = 10'000;
  std::string network_range = "198.18.0.0/15";  // of virtual addresses; each daemon takes a part
  std::string rules;                            // for every instance, before all others
  std::string node;             // what this node is called; empty in a file: as the host
  int64_t template_memory = 0;  // the most that warm ones may have; 0: a quarter of the machine's
  bool sync_snapshots = false;  // answer a snapshot only when the disk has it
  bool operator==(const NodeConfig&) const = default;
};

// The files that are read, in order.
std::vector<std::string> config_files();

// Each is optional; an unknown key or a wrong type is an error that names file and line.
Result<> apply_config_file(const std::string& path, NodeConfig& config);
Result<> apply_config_text(const std::string& text, const std::string& name, NodeConfig& config);
// APPSHOT_LOG_LEVEL, APPSHOT_HARNESS.
void apply_config_environment(NodeConfig& config);

Result<NodeConfig> load_config();

}  // namespace appshot
