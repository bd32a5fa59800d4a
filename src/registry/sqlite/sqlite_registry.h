// The registry of a single node: one SQLite file, nothing to set up.
#pragma once

#include <memory>
#include <string>

#include "registry/registry.h"

namespace appshot {

// At most `events_max` events are kept.
Result<std::unique_ptr<Registry>> open_sqlite_registry(const std::string& path,
                                                       int64_t events_max = 10'000);

}  // namespace appshot
