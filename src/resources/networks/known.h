// What is known of an instance's own network without a look at it. Where the kernel does not tell,
// a part of it is missing.
#pragma once

#include <optional>

#include "os/setting_writes.h"
#include "resources/networks/look.h"
#include "resources/networks/watch.h"

namespace appshot::networks {

struct Known {
  std::optional<Look> when_new;
  std::optional<SettingWrites> setting_writes;
  std::optional<Watch> watch;

  bool are_settings_as_new() const { return setting_writes && !setting_writes->may_have_been(); }
  bool is_untouched() { return are_settings_as_new() && watch && !watch->may_have_changed(); }
};

}  // namespace appshot::networks
