// The registry: the one record of instances, snapshots, environments and events. AIDs are handed
// out here.
//
// Lifetime: opened once, for the life of the daemon. Threads: every call may come from any thread.
// Failure: a registry that cannot be reached or is locked is an error with a clear sentence, after
// a bounded wait. Each call is atomic: it is done or not done, whenever the process is killed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/aid.h"
#include "registry/records.h"

namespace appshot {

class Registry {
 public:
  virtual ~Registry() = default;

  // Stores the record under an AID that nobody else has, and tells it. Class conflict when a given
  // AID is taken (whatever state its instance is in).
  virtual Result<std::string> create_instance(InstanceRecord record, const AidWish& wish) = 0;
  // Replaces everything but the AID. Class not_found.
  virtual Result<> update_instance(const InstanceRecord& record) = 0;
  virtual Result<> remove_instance(const std::string& aid) = 0;
  // By the AID or a unique prefix of a generated one. Class not_found; usage when ambiguous.
  virtual Result<InstanceRecord> instance(const std::string& aid_or_prefix) = 0;
  virtual Result<std::vector<InstanceRecord>> instances() = 0;  // oldest first

  // Class conflict when the id is taken, or the (not empty) name is.
  virtual Result<> add_snapshot(const SnapshotRecord& record) = 0;
  virtual Result<> update_snapshot(const SnapshotRecord& record) = 0;
  virtual Result<> mark_durable(const std::string& id) = 0;
  virtual Result<> remove_snapshot(const std::string& id) = 0;
  // By id, name or unique prefix of an id. Class not_found; usage when ambiguous.
  virtual Result<SnapshotRecord> snapshot(const std::string& id_or_name) = 0;
  virtual Result<std::vector<SnapshotRecord>> snapshots() = 0;  // oldest first

  // An instance has one address, and an address one instance: class conflict when either has one.
  virtual Result<> add_lease(const LeaseRecord& record) = 0;
  // By the address. Class not_found.
  virtual Result<> update_lease(const LeaseRecord& record) = 0;
  virtual Result<> remove_lease(const std::string& address) = 0;
  virtual Result<std::vector<LeaseRecord>> leases() = 0;  // oldest first

  // Class conflict when the name is taken.
  virtual Result<> add_environment(const EnvironmentRecord& record) = 0;
  // Replaces everything but the name. Class not_found.
  virtual Result<> update_environment(const EnvironmentRecord& record) = 0;
  virtual Result<> remove_environment(const std::string& name) = 0;
  virtual Result<EnvironmentRecord> environment(const std::string& name) = 0;
  virtual Result<std::vector<EnvironmentRecord>> environments() = 0;  // by name

  // What the node has settled for itself and keeps to, by name. Empty: not yet.
  virtual Result<std::string> setting(const std::string& name) = 0;
  virtual Result<> set_setting(const std::string& name, const std::string& value) = 0;

  // Keeps the newest events only, as many as the registry was opened to keep. Tells the number.
  virtual Result<int64_t> append_event(const EventRecord& event) = 0;
  // Oldest first, numbered above `after`, at most the `limit` newest; of all instances, or of one.
  virtual Result<std::vector<EventRecord>> events(int64_t after, int64_t limit,
                                                  const std::string& aid) = 0;
};

}  // namespace appshot
