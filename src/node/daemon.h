// The daemon as a process: one per root, serving the API until told to stop.
#pragma once

#include <string>

#include "base/result.h"
#include "node/config.h"
#include "node/image_store.h"
#include "node/node.h"

namespace appshot {

struct DaemonOptions {
  // Gets "ready\n" when the API answers, or the error's text; closed afterwards. -1: nobody waits.
  int notify_fd = -1;
};

// Returns when stopped. Instances go on; their harnesses wait for the next daemon.
// Class conflict when a daemon serves this root already.
Result<> run_daemon(const DaemonOptions& options, const NodeConfig& config, ImageStore& images,
                    MachineProbe probe);

}  // namespace appshot
