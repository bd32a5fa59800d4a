#include "registry/sqlite/schema.h"

namespace appshot {
namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE instances (
  aid TEXT PRIMARY KEY, generated INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, spec TEXT NOT NULL,
  harness_pid INTEGER NOT NULL, harness_start INTEGER NOT NULL,
  init_pid INTEGER NOT NULL, init_start INTEGER NOT NULL,
  generation INTEGER NOT NULL, parent_snapshot TEXT NOT NULL, sleep_snapshot TEXT NOT NULL,
  wait_status INTEGER
) WITHOUT ROWID;
CREATE TABLE snapshots (
  id TEXT PRIMARY KEY, aid TEXT NOT NULL, name TEXT NOT NULL, dir TEXT NOT NULL,
  parent TEXT NOT NULL, owner TEXT NOT NULL, complete INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, processes INTEGER NOT NULL, memory_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL, frozen_ms REAL NOT NULL, spec TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX snapshot_names ON snapshots(name) WHERE name <> '';
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, aid TEXT NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL, details TEXT NOT NULL
);
CREATE INDEX events_of ON events(aid, seq);
PRAGMA user_version = 1;
)sql";

// Snapshots from before were answered only when the disk had them.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE snapshots ADD COLUMN durable INTEGER NOT NULL DEFAULT 1;
PRAGMA user_version = 2;
)sql";

constexpr const char* kVersion3 = R"sql(
CREATE TABLE leases (
  address TEXT PRIMARY KEY, aid TEXT NOT NULL UNIQUE, standing TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 3;
)sql";

constexpr const char* kVersion4 = R"sql(
CREATE TABLE environments (
  name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,
  rules TEXT NOT NULL, content TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 4;
)sql";

constexpr const char* kVersion5 = R"sql(
ALTER TABLE snapshots ADD COLUMN is_template INTEGER NOT NULL DEFAULT 0;
ALTER TABLE snapshots ADD COLUMN warm INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 5;
)sql";

Result<int64_t> version_of(Database& db) {
  Statement statement = db.prepare("PRAGMA user_version");
  TRY(statement.step());
  return statement.next_int();
}

}  // namespace

Result<> migrate(Database& db) {
  if (TRY(version_of(db)) == kSchemaVersion) return {};
  Transaction transaction = TRY(Transaction::begin(db));
  int64_t version = TRY(version_of(db));  // another process may have been first
  if (version > kSchemaVersion)
    return Error(ErrorClass::mismatch, "the registry has schema version " +
                                           std::to_string(version) + ", this appshot knows " +
                                           std::to_string(kSchemaVersion))
        .hint("use the newer appshot that has written it");
  if (version < 1) TRY(db.execute(kVersion1));
  if (version < 2) TRY(db.execute(kVersion2));
  if (version < 3) TRY(db.execute(kVersion3));
  if (version < 4) TRY(db.execute(kVersion4));
  if (version < 5) TRY(db.execute(kVersion5));
  return transaction.commit();
}

}  // namespace appshot
