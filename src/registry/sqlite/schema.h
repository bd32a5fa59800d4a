// The tables of the SQLite registry. A change of them raises kSchemaVersion and adds a step to
// migrate().
#pragma once

#include "base/result.h"
#include "registry/sqlite/database.h"

namespace appshot {

inline constexpr int64_t kSchemaVersion = 5;

// Brings a database to kSchemaVersion; refuses one that a newer appshot has written.
Result<> migrate(Database& db);

}  // namespace appshot
