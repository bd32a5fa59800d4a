// Which kinds of isolation an instance does without (`run --share KIND`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

struct Share {
  bool fs = false, net = false, ipc = false, uts = false, time = false;

  static Result<Share> from_names(const std::vector<std::string>& names);
  std::vector<std::string> names() const;

  // The CLONE_NEW* flags of the namespaces an instance is created with. The time namespace is not
  // among them: its clocks are set before anyone enters it (see clocks.h); nor is the network's
  // (see own_network.h).
  uint64_t namespaces() const;
};

}  // namespace appshot
