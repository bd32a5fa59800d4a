// Records to and from rows, and the statements that move them.
#pragma once

#include <vector>

#include "registry/records.h"
#include "registry/sqlite/database.h"

namespace appshot {

extern const char* const kInsertInstance;
extern const char* const kUpdateInstance;
extern const char* const kInstanceByAid;
extern const char* const kInstancesByPrefix;
extern const char* const kAllInstances;
extern const char* const kInsertSnapshot;
extern const char* const kUpdateSnapshot;
extern const char* const kSnapshotByIdOrName;
extern const char* const kSnapshotsByPrefix;
extern const char* const kAllSnapshots;
extern const char* const kInsertLease;
extern const char* const kUpdateLease;
extern const char* const kAllLeases;
extern const char* const kInsertEnvironment;
extern const char* const kUpdateEnvironment;
extern const char* const kEnvironmentByName;
extern const char* const kAllEnvironments;
extern const char* const kInsertEvent;
extern const char* const kNewestEvents;
extern const char* const kNewestEventsOf;

Statement bind_instance(Statement statement, const InstanceRecord& record);
Statement bind_snapshot(Statement statement, const SnapshotRecord& record);
Statement bind_lease(Statement statement, const LeaseRecord& record);
Statement bind_environment(Statement statement, const EnvironmentRecord& record);
Statement bind_event(Statement statement, const EventRecord& event);

Result<std::vector<InstanceRecord>> read_instances(Statement statement);
Result<std::vector<SnapshotRecord>> read_snapshots(Statement statement);
Result<std::vector<LeaseRecord>> read_leases(Statement statement);
Result<std::vector<EnvironmentRecord>> read_environments(Statement statement);
Result<std::vector<EventRecord>> read_events(Statement statement);

}  // namespace appshot
