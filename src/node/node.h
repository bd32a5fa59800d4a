// What all parts of the daemon share. Made and destroyed in main.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/paths.h"
#include "node/config.h"
#include "node/endpoints.h"
#include "node/event_log.h"
#include "node/image_store.h"
#include "node/metrics.h"
#include "node/reactor.h"
#include "os/kernel_features.h"
#include "registry/registry.h"

namespace appshot {

// What this machine has and lacks.
using MachineProbe = std::function<std::vector<KernelFeature>()>;

struct Node {
  Node(NodeConfig settings, Paths where, Registry& records, ImageStore& store, MachineProbe probe)
      : config(std::move(settings)),
        paths(std::move(where)),
        registry(records),
        images(store),
        probe_machine(std::move(probe)) {}

  const NodeConfig config;
  const Paths paths;
  Registry& registry;
  ImageStore& images;
  const MachineProbe probe_machine;
  EventLog events{registry};
  Endpoints endpoints{registry, paths, config};
  Metrics metrics;
  const int64_t started_ms = unix_time_ms();
};

}  // namespace appshot
