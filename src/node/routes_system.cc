// The machine, the disk, the daemon itself, and what watches over it.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "node/routes.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;

// What a folder takes on disk; what vanishes meanwhile counts nothing.
int64_t disk_bytes(const std::string& folder) {
  int64_t total = 0;
  std::error_code failed;
  fs::recursive_directory_iterator it(folder, failed);
  for (; !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
    struct stat facts;
    if (::lstat(it->path().c_str(), &facts) == 0) total += facts.st_blocks * 512;
  }
  return total;
}

void disk_usage(Call& call, Services& services) {
  Node& node = services.node;
  Result<std::vector<SnapshotRecord>> snapshots = node.registry.snapshots();
  if (!snapshots) return call.refuse(snapshots.error());
  Json list = Json::array();
  for (const SnapshotRecord& snapshot : *snapshots)
    list.push_back({{"id", snapshot.id},
                    {"aid", snapshot.aid},
                    {"name", snapshot.name},
                    {"owner", snapshot.owner},
                    {"memory_bytes", snapshot.memory_bytes},
                    {"disk_bytes", disk_bytes(snapshot.dir)}});
  call.answer({{"snapshots_bytes", disk_bytes(node.paths.snapshots())},
               {"instances_bytes", disk_bytes(node.paths.state_dir + "/instances")},
               {"total_bytes", disk_bytes(node.paths.state_dir)},
               {"state_dir", node.paths.state_dir},
               {"snapshots", std::move(list)}});
}

void machine(Call& call, Services& services) {
  std::vector<KernelFeature> features = services.node.probe_machine();
  Json list = Json::array();
  for (const KernelFeature& feature : features)
    list.push_back({{"name", feature.name},
                    {"present", feature.present},
                    {"essential", feature.essential},
                    {"needed_for", feature.needed_for},
                    {"detail", feature.detail}});
  call.answer({{"able", able(features)}, {"features", std::move(list)}});
}

std::string metrics_text(Services& services) {
  std::string text;
  auto add = [&](const char* name, const char* type, const char* help, double value) {
    std::string full = std::string("appshot_") + name;
    text += "# HELP " + full + " " + help + "\n# TYPE " + full + " " + type + "\n" + full + " " +
            Json(value).dump() + "\n";
  };
  Metrics& m = services.node.metrics;
  std::map<std::string_view, int> states;
  for (const char* state : {"held", "running", "asleep", "stopped", "failed"}) states[state] = 0;
  Result<std::vector<InstanceRecord>> instances = services.node.registry.instances();
  if (instances)
    for (const InstanceRecord& record : *instances) states[name_of(record.state)]++;
  text += "# HELP appshot_instances Instances by state.\n# TYPE appshot_instances gauge\n";
  for (const auto& [state, count] : states)
    text +=
        "appshot_instances{state=\"" + std::string(state) + "\"} " + std::to_string(count) + "\n";
  add("requests_total", "counter", "API requests.", m.requests);
  add("launches_total", "counter", "Instances launched.", m.launches);
  add("snapshots_total", "counter", "Snapshots taken.", m.snapshots);
  add("restores_total", "counter", "Instances restored or woken.", m.restores);
  add("failures_total", "counter", "Launches, snapshots and restores that failed.", m.failures);
  add("adoptions_total", "counter", "Harnesses replaced.", m.adoptions);
  add("snapshot_seconds_total", "counter", "Time spent in snapshots.",
      static_cast<double>(m.snapshot_microseconds) / 1e6);
  add("restore_seconds_total", "counter", "Time spent in restores.",
      static_cast<double>(m.restore_microseconds) / 1e6);
  add("uptime_seconds", "gauge", "Time since the daemon has started.",
      static_cast<double>(unix_time_ms() - services.node.started_ms) / 1e3);
  return text;
}

Json daemon_status(Services& services) {
  const Node& node = services.node;
  return {{"pid", ::getpid()},
          {"version", APPSHOT_VERSION},
          {"uptime_ms", unix_time_ms() - node.started_ms},
          {"state_dir", node.paths.state_dir},
          {"run_dir", node.paths.run_dir},
          {"socket", node.paths.socket()}};
}

}  // namespace

void add_system_routes(Router& router, Services& services) {
  router.add("GET", "/v1/check", [&](Call& call) { machine(call, services); });
  router.add("GET", "/v1/system/df", [&](Call& call) { disk_usage(call, services); });
  router.add("GET", "/v1/daemon", [&](Call& call) { call.answer(daemon_status(services)); });
  router.add("POST", "/v1/daemon/stop", [&](Call& call) {
    call.answer(daemon_status(services));
    services.stop_daemon();
  });
  router.add("GET", "/healthz", [&](Call& call) {
    Result<std::vector<InstanceRecord>> readable = services.node.registry.instances();
    if (!readable) return call.refuse(readable.error());
    call.answer({{"status", "ok"}});
  });
  router.add("GET", "/metrics", [&](Call& call) {
    (void)call.exchange().reply(200, "text/plain; version=0.0.4", metrics_text(services));
  });
}

}  // namespace appshot
