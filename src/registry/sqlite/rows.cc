#include "registry/sqlite/rows.h"

namespace appshot {

#define INSTANCE_COLUMNS                                                                   \
  "aid, generated, state, why, created_ms, changed_ms, spec, harness_pid, harness_start, " \
  "init_pid, init_start, generation, parent_snapshot, sleep_snapshot, wait_status"
#define SNAPSHOT_COLUMNS                                                               \
  "id, aid, name, dir, parent, owner, complete, created_ms, processes, memory_bytes, " \
  "stored_bytes, frozen_ms, spec, durable, is_template, warm"
#define LEASE_COLUMNS "address, aid, standing, since_ms"
#define ENVIRONMENT_COLUMNS "name, created_ms, changed_ms, rules, content"
#define EVENT_COLUMNS "seq, time_ms, aid, kind, text, details"

const char* const kInsertInstance = "INSERT INTO instances (" INSTANCE_COLUMNS
                                    ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
const char* const kUpdateInstance =
    "UPDATE instances SET (" INSTANCE_COLUMNS
    ") = (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15) WHERE aid=?1";
const char* const kInstanceByAid = "SELECT " INSTANCE_COLUMNS " FROM instances WHERE aid=?1";
const char* const kInstancesByPrefix = "SELECT " INSTANCE_COLUMNS
                                       " FROM instances WHERE generated AND "
                                       "substr(aid,1,length(?1))=?1 LIMIT 2";
const char* const kAllInstances =
    "SELECT " INSTANCE_COLUMNS " FROM instances ORDER BY created_ms, aid";
const char* const kInsertSnapshot =
    "INSERT INTO snapshots (" SNAPSHOT_COLUMNS
    ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)";
const char* const kUpdateSnapshot =
    "UPDATE snapshots SET (" SNAPSHOT_COLUMNS
    ") = (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16) WHERE id=?1";
const char* const kSnapshotByIdOrName =
    "SELECT " SNAPSHOT_COLUMNS " FROM snapshots WHERE id=?1 OR name=?1 ORDER BY id<>?1 LIMIT 1";
const char* const kSnapshotsByPrefix =
    "SELECT " SNAPSHOT_COLUMNS " FROM snapshots WHERE substr(id,1,length(?1))=?1 LIMIT 2";
const char* const kAllSnapshots =
    "SELECT " SNAPSHOT_COLUMNS " FROM snapshots ORDER BY created_ms, id";
const char* const kInsertLease = "INSERT INTO leases (" LEASE_COLUMNS ") VALUES (?1,?2,?3,?4)";
const char* const kUpdateLease =
    "UPDATE leases SET (" LEASE_COLUMNS ") = (?1,?2,?3,?4) WHERE address=?1";
const char* const kAllLeases = "SELECT " LEASE_COLUMNS " FROM leases ORDER BY since_ms, address";
const char* const kInsertEnvironment =
    "INSERT INTO environments (" ENVIRONMENT_COLUMNS ") VALUES (?1,?2,?3,?4,?5)";
const char* const kUpdateEnvironment =
    "UPDATE environments SET (" ENVIRONMENT_COLUMNS ") = (?1,?2,?3,?4,?5) WHERE name=?1";
const char* const kEnvironmentByName =
    "SELECT " ENVIRONMENT_COLUMNS " FROM environments WHERE name=?1";
const char* const kAllEnvironments =
    "SELECT " ENVIRONMENT_COLUMNS " FROM environments ORDER BY name";
const char* const kInsertEvent =
    "INSERT INTO events (time_ms, aid, kind, text, details) VALUES (?1,?2,?3,?4,?5)";
const char* const kNewestEvents =
    "SELECT * FROM (SELECT " EVENT_COLUMNS
    " FROM events WHERE seq>?1 ORDER BY seq DESC LIMIT ?2) ORDER BY seq";
const char* const kNewestEventsOf =
    "SELECT * FROM (SELECT " EVENT_COLUMNS
    " FROM events WHERE seq>?1 AND aid=?3 ORDER BY seq DESC LIMIT ?2) ORDER BY seq";

namespace {

InstanceRecord read_instance(Statement& row) {
  InstanceRecord record;
  record.aid = row.next_text();
  record.generated = row.next_int() != 0;
  record.state = instance_state_from_name(row.next_text()).value_or(InstanceState::failed);
  record.why = row.next_text();
  record.created_ms = row.next_int();
  record.changed_ms = row.next_int();
  record.spec = row.next_text();
  record.harness.pid = static_cast<pid_t>(row.next_int());
  record.harness.start_time = static_cast<uint64_t>(row.next_int());
  record.init.pid = static_cast<pid_t>(row.next_int());
  record.init.start_time = static_cast<uint64_t>(row.next_int());
  record.generation = row.next_int();
  record.parent_snapshot = row.next_text();
  record.sleep_snapshot = row.next_text();
  if (!row.next_is_null()) record.wait_status = static_cast<int>(row.next_int());
  return record;
}

SnapshotRecord read_snapshot(Statement& row) {
  SnapshotRecord record;
  record.id = row.next_text();
  record.aid = row.next_text();
  record.name = row.next_text();
  record.dir = row.next_text();
  record.parent = row.next_text();
  record.owner = row.next_text();
  record.complete = row.next_int() != 0;
  record.created_ms = row.next_int();
  record.processes = row.next_int();
  record.memory_bytes = row.next_int();
  record.stored_bytes = row.next_int();
  record.frozen_ms = row.next_double();
  record.spec = row.next_text();
  record.durable = row.next_int() != 0;
  record.is_template = row.next_int() != 0;
  record.warm = row.next_int() != 0;
  return record;
}

LeaseRecord read_lease(Statement& row) {
  LeaseRecord record;
  record.address = row.next_text();
  record.aid = row.next_text();
  record.standing = row.next_text();
  record.since_ms = row.next_int();
  return record;
}

EnvironmentRecord read_environment(Statement& row) {
  EnvironmentRecord record;
  record.name = row.next_text();
  record.created_ms = row.next_int();
  record.changed_ms = row.next_int();
  record.rules = row.next_text();
  record.content = row.next_text();
  return record;
}

EventRecord read_event(Statement& row) {
  EventRecord event;
  event.seq = row.next_int();
  event.time_ms = row.next_int();
  event.aid = row.next_text();
  event.kind = row.next_text();
  event.text = row.next_text();
  event.details = row.next_text();
  return event;
}

template <typename Record>
Result<std::vector<Record>> read_all(Statement& statement, Record (*read)(Statement&)) {
  std::vector<Record> records;
  while (TRY(statement.step())) records.push_back(read(statement));
  return records;
}

}  // namespace

Statement bind_instance(Statement statement, const InstanceRecord& record) {
  Statement bound = std::move(statement)
                        .bind(record.aid)
                        .bind(static_cast<int64_t>(record.generated))
                        .bind(name_of(record.state))
                        .bind(record.why)
                        .bind(record.created_ms)
                        .bind(record.changed_ms)
                        .bind(record.spec)
                        .bind(static_cast<int64_t>(record.harness.pid))
                        .bind(static_cast<int64_t>(record.harness.start_time))
                        .bind(static_cast<int64_t>(record.init.pid))
                        .bind(static_cast<int64_t>(record.init.start_time))
                        .bind(record.generation)
                        .bind(record.parent_snapshot)
                        .bind(record.sleep_snapshot);
  if (!record.wait_status) return std::move(bound).bind_null();
  return std::move(bound).bind(static_cast<int64_t>(*record.wait_status));
}

Statement bind_snapshot(Statement statement, const SnapshotRecord& record) {
  return std::move(statement)
      .bind(record.id)
      .bind(record.aid)
      .bind(record.name)
      .bind(record.dir)
      .bind(record.parent)
      .bind(record.owner)
      .bind(static_cast<int64_t>(record.complete))
      .bind(record.created_ms)
      .bind(record.processes)
      .bind(record.memory_bytes)
      .bind(record.stored_bytes)
      .bind(record.frozen_ms)
      .bind(record.spec)
      .bind(static_cast<int64_t>(record.durable))
      .bind(static_cast<int64_t>(record.is_template))
      .bind(static_cast<int64_t>(record.warm));
}

Statement bind_lease(Statement statement, const LeaseRecord& record) {
  return std::move(statement)
      .bind(record.address)
      .bind(record.aid)
      .bind(record.standing)
      .bind(record.since_ms);
}

Statement bind_environment(Statement statement, const EnvironmentRecord& record) {
  return std::move(statement)
      .bind(record.name)
      .bind(record.created_ms)
      .bind(record.changed_ms)
      .bind(record.rules)
      .bind(record.content);
}

Statement bind_event(Statement statement, const EventRecord& event) {
  return std::move(statement)
      .bind(event.time_ms)
      .bind(event.aid)
      .bind(event.kind)
      .bind(event.text)
      .bind(event.details);
}

Result<std::vector<InstanceRecord>> read_instances(Statement statement) {
  return read_all(statement, read_instance);
}

Result<std::vector<SnapshotRecord>> read_snapshots(Statement statement) {
  return read_all(statement, read_snapshot);
}

Result<std::vector<LeaseRecord>> read_leases(Statement statement) {
  return read_all(statement, read_lease);
}

Result<std::vector<EnvironmentRecord>> read_environments(Statement statement) {
  return read_all(statement, read_environment);
}

Result<std::vector<EventRecord>> read_events(Statement statement) {
  return read_all(statement, read_event);
}

}  // namespace appshot
