#include "node/snapshots.h"

#include <unistd.h>

#include "node/instances.h"
#include "node/log.h"
#include "os/file.h"

namespace appshot {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// An application that was killed with its snapshot is gone by then, whatever became of its harness.
constexpr seconds kEndAfterSnapshot{2};

uint64_t microseconds_since(Clock::time_point begin) {
  auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  return static_cast<uint64_t>(took.count());
}

Result<> check_memory_wish(const std::string& memory) {
  if (memory.empty() || memory == "lazy" || memory == "eager") return {};
  return Error(ErrorClass::usage, "memory is restored lazy or eager, not '" + memory + "'");
}

double number_at(const Json& object, const char* key) {
  const Json& value = field(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

}  // namespace

Json describe_snapshot(const SnapshotRecord& record) {
  Result<Json> spec = parse_json(record.spec);
  return {{"id", record.id},
          {"aid", record.aid},
          {"name", record.name},
          {"dir", record.dir},
          {"parent", record.parent},
          {"owner", record.owner},
          {"durable", record.durable},
          {"created_ms", record.created_ms},
          {"age_ms", unix_time_ms() - record.created_ms},
          {"processes", record.processes},
          {"memory_bytes", record.memory_bytes},
          {"stored_bytes", record.stored_bytes},
          {"frozen_ms", record.frozen_ms},
          {"argv", spec ? strings_at(*spec, "argv") : std::vector<std::string>()}};
}

Result<Json> Snapshots::take(const std::string& aid, const SnapshotWish& wish,
                             const ProgressListener& progress) {
  const char* verb = wish.sleep ? "sleep" : "snapshot";
  if (!wish.name.empty()) TRY(check_snapshot_name(wish.name));
  TRY(lifecycle_.await_adoption(aid));
  Operation operation = TRY(lifecycle_.begin(aid, verb));
  InstanceRecord instance = TRY(node_.registry.instance(operation.aid()));
  if (!is_alive(instance.state))
    return not_running(instance).within(std::string("cannot ") + verb + " " + instance.aid);
  SnapshotRecord record;
  record.id = generate_snapshot_id();
  record.aid = instance.aid;
  record.name = wish.name;
  record.dir = node_.paths.snapshot_dir(record.id);
  record.parent = instance.parent_snapshot;
  record.owner = wish.sleep ? instance.aid : wish.passing ? kPassing : "";
  record.created_ms = unix_time_ms();
  Json spec = TRY(parse_json(instance.spec));
  spec["generation"] = instance.generation;
  if (!spec.contains("application")) spec["application"] = instance.aid;
  if (std::optional<LeaseRecord> lease = node_.endpoints.lease_of(instance.aid))
    spec["address"] = lease->address;
  record.spec = json_text(spec);
  TRY(node_.registry.add_snapshot(record));
  Result<Json> taken = capture(operation, record, wish, progress);
  if (taken) return taken;
  node_.metrics.failures++;
  Error error = taken.take_error();
  // The folder tells how far it came. Only a harness that is no more cannot tell itself.
  const bool stop = wish.stop || wish.sleep;
  const bool gone = error.cls() == ErrorClass::gone &&
                    lifecycle_.wait_harness_gone(operation.instance(), Deadline::in(seconds(0)));
  const bool ended = gone && stop && node_.images.describe(record.dir) &&
                     lifecycle_.wait_application_gone(operation, Deadline::in(kEndAfterSnapshot));
  TRY(settle_one(record));
  Result<InstanceRecord> after = lifecycle_.change(instance.aid, [](InstanceRecord& edited) {
    if (is_alive(edited.state)) edited.sleep_snapshot.clear();
  });
  if (after && is_alive(after->state)) {
    (void)node_.endpoints.stand(instance.aid, "");
    node_.endpoints.runs(instance.aid);
  }
  Result<SnapshotRecord> settled = node_.registry.snapshot(record.id);
  const bool whole = settled && settled->complete;
  if (whole && gone && ended == stop) return describe_snapshot(*settled);
  if (whole) {
    settled->owner.clear();  // nobody sleeps in it
    TRY(node_.registry.update_snapshot(*settled));
    error = Error(std::move(error).within("the snapshot " + record.id + " is complete, but " +
                                          instance.aid + " runs on"));
  }
  if (error.cls() == ErrorClass::gone && after && !is_alive(after->state))
    error = not_running(*after);
  node_.events.add(instance.aid, "refused",
                   "cannot " + (verb + (" " + instance.aid)) + ": " + error.message());
  return std::move(error).within(std::string("cannot ") + verb + " " + instance.aid);
}

Result<Json> Snapshots::capture(Operation& operation, const SnapshotRecord& pending,
                                const SnapshotWish& wish, const ProgressListener& progress) {
  auto begin = Clock::now();
  std::shared_ptr<HarnessLink> link = TRY(lifecycle_.link(pending.aid));
  if (wish.sleep)
    TRY(lifecycle_.change(pending.aid,
                          [&](InstanceRecord& edited) { edited.sleep_snapshot = pending.id; }));
  bool stop = wish.stop || wish.sleep;
  if (stop) TRY(node_.endpoints.stand(pending.aid, pending.id));
  Json numbers = TRY(link->call("snapshot",
                                {{"dir", pending.dir},
                                 {"partial", node_.paths.snapshot_partial(pending.id)},
                                 {"stop", stop},
                                 {"sync", wish.sync || node_.config.sync_snapshots},
                                 {"full", wish.full},
                                 {"precopy", !wish.stop},
                                 {"snapshot", pending.id},
                                 {"lineage", pending.parent}},
                                {}, {}, progress));
  SnapshotRecord record = pending;
  record.complete = true;
  record.durable = bool_at(numbers, "durable");
  record.processes = int_at(numbers, "processes");
  record.memory_bytes = int_at(numbers, "memory_bytes");
  record.stored_bytes = int_at(numbers, "stored_bytes");
  record.frozen_ms = number_at(numbers, "frozen_ms");
  TRY(node_.registry.update_snapshot(record));
  if (!record.durable) bring_to_disk_later(record.id);
  if (stop && !lifecycle_.wait_ended(operation.instance(), Deadline::in(seconds(30))))
    return Error(ErrorClass::timeout,
                 "the snapshot " + record.id + " is complete, but " + record.aid + " did not end");
  node_.metrics.snapshots++;
  node_.metrics.snapshot_microseconds += microseconds_since(begin);
  node_.events.add(record.aid, "snapshot", record.aid + ": snapshot " + record.id,
                   {{"snapshot", record.id}, {"stop", stop}});
  Json document = describe_snapshot(record);
  document["took_ms"] = number_at(numbers, "took_ms");
  document["longest_frozen_ms"] = number_at(numbers, "longest_frozen_ms");
  return document;
}

Result<Json> Snapshots::restore(const std::string& id, const std::string& as,
                                const std::string& memory, const ProgressListener& progress) {
  TRY(check_memory_wish(memory));
  TRY(settle());
  SnapshotRecord snapshot = TRY(node_.registry.snapshot(id));
  if (!snapshot.complete)
    return Error(ErrorClass::conflict, "the snapshot " + snapshot.id + " is still being taken");
  if (!snapshot.owner.empty() && as.empty())
    return Error(ErrorClass::conflict,
                 "the snapshot " + snapshot.id + " is what " + snapshot.owner + " sleeps in")
        .hint("appshot wake " + snapshot.owner + ", or restore it --as another");
  std::string aid = as.empty() ? snapshot.aid : as;
  std::optional<InstanceRecord> before;
  Operation operation = TRY(take_aid(aid, snapshot, before));
  Result<Lifecycle::Started> running =
      run_from(operation, snapshot, {"restored from snapshot " + snapshot.id, memory}, progress);
  if (!running) {
    // As if it had never been tried.
    if (before) {
      (void)lifecycle_.change(aid, [&](InstanceRecord& edited) { edited = *before; });
    } else {
      (void)lifecycle_.purge(aid);
    }
    return std::move(running).within("cannot restore " + snapshot.id).take_error();
  }
  return describe_running(aid, *running);
}

Result<Json> Snapshots::describe_running(const std::string& aid,
                                         const Lifecycle::Started& started) {
  Json document = describe_instance(node_, TRY(node_.registry.instance(aid)), Json(), "");
  document["lost_connections"] = started.lost_connections;
  return document;
}

Result<Operation> Snapshots::take_aid(const std::string& aid, const SnapshotRecord& snapshot,
                                      std::optional<InstanceRecord>& before) {
  InstanceRecord record;
  record.state = InstanceState::stopped;
  record.why = kBeingRestored;
  record.created_ms = record.changed_ms = unix_time_ms();
  record.spec = snapshot.spec;
  Result<Json> spec = parse_json(snapshot.spec);
  record.generation = spec ? int_at(*spec, "generation", 1) : 1;
  Result<std::string> created = node_.registry.create_instance(record, {AidWish::Kind::given, aid});
  if (created) return lifecycle_.begin(aid, "restore");
  if (created.error().cls() != ErrorClass::conflict) return created.take_error();
  Operation operation = TRY(lifecycle_.begin(aid, "restore"));
  InstanceRecord existing = TRY(node_.registry.instance(aid));
  if (is_alive(existing.state) || existing.state == InstanceState::asleep)
    return Error(ErrorClass::conflict, "cannot restore " + snapshot.id + ": " + aid + " is " +
                                           (is_alive(existing.state) ? "alive" : "asleep"))
        .hint("stop it first, or give another name: appshot restore " + snapshot.id + " --as NAME");
  before = existing;
  return operation;
}

Result<Lifecycle::Started> Snapshots::run_from(Operation& operation, const SnapshotRecord& snapshot,
                                               const RunWish& wish,
                                               const ProgressListener& progress) {
  auto begin = Clock::now();
  // Its harness of before may still be tidying up under the same name.
  if (!lifecycle_.wait_harness_gone(operation.instance(), Deadline::in(seconds(10))))
    return Error(ErrorClass::timeout, "the harness of its life before does not end");
  InstanceRecord record = TRY(lifecycle_.change(operation.aid(), [&](InstanceRecord& edited) {
    edited.generation += 1;
    edited.parent_snapshot = snapshot.id;
  }));
  HarnessConfig config;
  config.mode = "restore";
  config.image = snapshot.dir;
  config.image_goes = !snapshot.owner.empty();
  config.memory = wish.memory;
  config.event = wish.clone ? "clone" : "restore";
  config.generation = record.generation;
  Json spec = TRY(parse_json(snapshot.spec));
  config.node = node_.config.node;
  config.limits = limits_from_json(field(spec, "limits"));
  config.privileges = privileges_from_json(field(spec, "privileges"));
  config.template_name = string_at(field(spec, "template"), "name");
  Endpoints::Wish place{operation.aid(),
                        snapshot.id,
                        string_at(spec, "address"),
                        string_at(spec, "inner_address"),
                        operation.aid() != snapshot.aid,
                        strings_at(spec, "ports")};
  if (wish.clone) {
    config.template_name = wish.clone->template_name;
    config.frozen = node_.paths.frozen_of(snapshot.id);
    config.set_env = wish.clone->env;
    place.ports = wish.clone->ports;
    place.fresh = !wish.clone->takes_connections;
    // A template is what the snapshot was that it was made of.
    if (snapshot.is_template) place.snapshot = snapshot.parent;
  }
  TRY(environments_.complete(spec, config));
  Endpoints::Before before = TRY(node_.endpoints.take_again(place, config));
  if (Result<> kept = keep_place(record, place, config); !kept) {
    node_.endpoints.undo(operation.aid(), before);
    return kept.take_error();
  }
  Result<Lifecycle::Started> started =
      lifecycle_.start(operation.instance(), std::move(config), InstanceState::running, wish.why,
                       progress, wish.clone ? wish.clone->seed.get() : nullptr);
  if (!started) {
    node_.endpoints.undo(operation.aid(), before);
    node_.metrics.failures++;
    return started;
  }
  node_.endpoints.runs(operation.aid());
  node_.metrics.restores++;
  node_.metrics.restore_microseconds += microseconds_since(begin);
  node_.events.add(operation.aid(), wish.clone ? "cloned" : "restored",
                   operation.aid() + ": " + wish.why, {{"snapshot", snapshot.id}});
  return started;
}

// Snapshots that are taken of it say so, too.
Result<> Snapshots::keep_place(const InstanceRecord& record, const Endpoints::Wish& wish,
                               const HarnessConfig& config) {
  if (config.ports != wish.ports) TRY(lifecycle_.keep_ports(wish.aid, config.ports));
  const Json spec = TRY(parse_json(record.spec));
  if (string_at(spec, "inner_address") == config.inner_address) return {};
  return lifecycle_.keep_inner_address(wish.aid, config.inner_address);
}

Result<Json> Snapshots::wake(const std::string& aid, const std::string& memory,
                             const ProgressListener& progress) {
  TRY(check_memory_wish(memory));
  Operation operation = TRY(lifecycle_.begin(aid, "wake"));
  InstanceRecord record = TRY(node_.registry.instance(operation.aid()));
  if (is_alive(record.state)) return describe_instance(node_, record, Json(), "");
  if (record.state != InstanceState::asleep)
    return Error(ErrorClass::conflict,
                 record.aid + " is not asleep: it is " + std::string(name_of(record.state)))
        .hint("appshot snapshots lists what it can be restored from");
  SnapshotRecord snapshot = TRY(node_.registry.snapshot(record.sleep_snapshot));
  if (!snapshot.complete) TRY(settle_one(snapshot));
  Result<Lifecycle::Started> running =
      run_from(operation, snapshot, {"woken by request", memory}, progress);
  if (!running) {
    (void)lifecycle_.change(record.aid, [&](InstanceRecord& edited) { edited = record; });
    return std::move(running).within("cannot wake " + record.aid).take_error();
  }
  (void)lifecycle_.change(record.aid, [&](InstanceRecord& edited) {
    edited.parent_snapshot = record.parent_snapshot;  // the sleep leaves no trace in the lineage
  });
  return describe_running(record.aid, *running);
}

}  // namespace appshot
