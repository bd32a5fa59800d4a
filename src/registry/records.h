// What a registry keeps: instances, snapshots, environments, events. Plain values.
//
// Documents (`spec`, `content`, `details`) are JSON text that the registry carries without reading
// it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace appshot {

enum class InstanceState {
  held,     // prepared, the program has not started yet
  running,  // the program runs
  asleep,   // ended, to be woken from the snapshot it sleeps in
  stopped,  // ended by itself, by a stop or with a snapshot
  failed,   // ended by a failure of ours or of the machine
};

std::string_view name_of(InstanceState state);
std::optional<InstanceState> instance_state_from_name(std::string_view name);
// Held and running instances have processes; only they have a harness.
bool is_alive(InstanceState state);

// A process on this machine that a reused pid is not mistaken for.
struct ProcessIdentity {
  pid_t pid = 0;            // 0: none
  uint64_t start_time = 0;  // field 22 of /proc/PID/stat
  bool operator==(const ProcessIdentity&) const = default;
};

struct InstanceRecord {
  std::string aid;
  bool generated = false;  // the AID was generated: a unique prefix names it too
  InstanceState state = InstanceState::held;
  std::string why;         // why it is in this state, a sentence
  int64_t created_ms = 0;  // unix time
  int64_t changed_ms = 0;  // when the state changed
  std::string spec = "{}";
  ProcessIdentity harness;
  ProcessIdentity init;
  int64_t generation = 1;          // counts launches, restores and clones
  std::string parent_snapshot;     // restored from
  std::string sleep_snapshot;      // asleep in
  std::optional<int> wait_status;  // how the program ended
  bool operator==(const InstanceRecord&) const = default;
};

struct SnapshotRecord {
  std::string id;
  std::string aid;  // the instance it was taken of
  std::string name;
  std::string dir;
  std::string parent;  // the snapshot that instance was restored from
  std::string owner;   // the sleeping instance it belongs to; empty: the user's
  bool complete = false;
  bool durable = false;  // outlasts a loss of power
  bool is_template = false;
  bool warm = false;  // of a template: what clones are made from is kept in memory
  int64_t created_ms = 0;
  int64_t processes = 0;
  int64_t memory_bytes = 0;
  int64_t stored_bytes = 0;
  double frozen_ms = 0;
  std::string spec = "{}";  // of the instance
  bool operator==(const SnapshotRecord&) const = default;
};

// A virtual address that an instance has, for as long as there is a record of the instance.
struct LeaseRecord {
  std::string address;
  std::string aid;
  // The snapshot that the instance has ended in, and from which its connections could go on: until
  // then packets to the address are dropped. Empty: it runs, or has ended otherwise.
  std::string standing;
  int64_t since_ms = 0;
  bool operator==(const LeaseRecord&) const = default;
};

// A private file world that applications are installed and run in.
struct EnvironmentRecord {
  std::string name;
  int64_t created_ms = 0;
  int64_t changed_ms = 0;
  std::string rules;           // as they were written
  std::string content = "{}";  // its layers, and what lies below them
  bool operator==(const EnvironmentRecord&) const = default;
};

struct EventRecord {
  int64_t seq = 0;  // given by the registry, growing
  int64_t time_ms = 0;
  std::string aid;
  std::string kind;  // launched, exited, snapshot, restored, ...
  std::string text;
  std::string details = "{}";
  bool operator==(const EventRecord&) const = default;
};

}  // namespace appshot
