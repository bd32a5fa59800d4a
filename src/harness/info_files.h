// /run/appshot inside: small files that tell an application who it is (`aid`), how often it has
// been brought back or cloned (`generation`) and what happened last (`event`).
#pragma once

#include "harness/instance.h"

namespace appshot {

// Before anything of the instance runs: what it reads is right from its first instruction on.
Result<> write_info(const InstancePlaces& places, const HarnessConfig& config);
// What is shown as the kernel's (isolation/boot_id), and its place for a plain /proc.
Result<> write_own_boot_id(const InstancePlaces& places, const HarnessConfig& config);
// When all of a restored application stands and none of it runs: who watches `generation` (inotify)
// finds that it was written. It comes last of the three, and says what it said already.
Result<> announce_info(const InstancePlaces& places, const HarnessConfig& config);

}  // namespace appshot
