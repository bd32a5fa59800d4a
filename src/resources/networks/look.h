// A look at what a network namespace holds that can be kept.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "os/netlink.h"
#include "resources/networks/devices.h"
#include "resources/networks/objects.h"
#include "resources/networks/settings.h"

namespace appshot::networks {

// Without what appshot has put there; that of an instance's own namespace has a cable.
struct Look {
  std::optional<Device> cable;
  std::vector<Device> devices;  // with all that is told of them
  std::vector<Object> objects;
};

// At the calling thread's namespace.
Result<Look> look();
Result<Look> look_at_devices();  // alone
// Whether a new one is like that already.
bool is_like(const Look& own, const Look& of_new);

// A namespace that has just been made, with loopback up.
struct NewNetwork {
  Look look;
  Settings settings;
};
Result<NewNetwork> look_at_new();

}  // namespace appshot::networks
