// How instances end, and what happens when only their harness does.
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "base/size.h"
#include "node/lifecycle.h"
#include "node/log.h"
#include "node/process_identity.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

using std::chrono::seconds;

// A harness that has lived so long is no sign of trouble when it dies.
constexpr seconds kSteadyAfter{10};
constexpr int kAdoptionsAtOnce = 5;
constexpr int kPauseDoublingsMax = 6;

// Where every harness dies at once, the next is started later and later.
seconds pause_before(int adoption) {
  if (adoption <= kAdoptionsAtOnce) return seconds(0);
  return seconds(1 << std::min(adoption - kAdoptionsAtOnce - 1, kPauseDoublingsMax));
}

bool wants_removal(const InstanceRecord& record) {
  Result<Json> spec = parse_json(record.spec);
  return spec && bool_at(*spec, "rm");
}

void want_removal(InstanceRecord& record) {
  Result<Json> spec = parse_json(record.spec);
  if (!spec) return;
  (*spec)["rm"] = true;
  record.spec = json_text(*spec);
}

// "2 processes were ended for want of memory (limit 512 MiB)".
std::string describe_memory_kills(const InstanceRecord& record, int64_t processes) {
  const Result<Json> spec = parse_json(record.spec);
  const int64_t bytes = spec ? limits_from_json(field(*spec, "limits")).memory_bytes : 0;
  return std::to_string(processes) + (processes == 1 ? " process was" : " processes were") +
         " ended for want of memory (the limit is " + size_text(bytes) + ")";
}

// What a harness that ended while no daemon listened has left.
Result<Json> read_exit_file(const std::string& state_dir) {
  std::string text = TRY(read_file(state_dir + "/exit.json"));
  return parse_json(text);
}

}  // namespace

void Lifecycle::on_event(const std::shared_ptr<Instance>& instance, const Json& event) {
  const std::string kind = string_at(event, "event");
  if (kind == "exited") on_exited(*instance, event);
  if (kind == "out_of_memory") on_out_of_memory(*instance, int_at(event, "processes"));
  if (kind == "hook") tell_of_hook(instance->aid, event);
  if (kind == "memory_is_in") wake_images_.not_needed(instance->aid);
}

void Lifecycle::on_out_of_memory(Instance& instance, int64_t processes) {
  const Result<InstanceRecord> record = node_.registry.instance(instance.aid);
  if (!record) return;
  node_.events.add(instance.aid, "out-of-memory",
                   instance.aid + ": " + describe_memory_kills(*record, processes),
                   {{"processes", processes}});
}

void Lifecycle::on_exited(Instance& instance, const Json& event) {
  if (const Json& error = field(event, "error"); !error.is_null())
    return on_failed(instance, error_from_json(error).message());
  bool stop_wanted;
  {
    std::lock_guard lock(instance.mutex);
    stop_wanted = instance.stop_wanted;
  }
  int status = static_cast<int>(int_at(event, "status"));
  bool by_snapshot = string_at(event, "reason") == "snapshot";
  auto changed = change(instance.aid, [&](InstanceRecord& record) {
    bool sleeps = by_snapshot && !record.sleep_snapshot.empty();
    record.state = sleeps ? InstanceState::asleep : InstanceState::stopped;
    record.why = sleeps        ? "put to sleep"
                 : by_snapshot ? "stopped with a snapshot"
                 : stop_wanted ? "stopped by request; " + describe_wait_status(status)
                               : describe_wait_status(status);
    if (const int64_t ended = int_at(event, "memory_kills"); ended > 0)
      record.why += "; " + describe_memory_kills(record, ended);
    if (bool_at(event, "abandoned")) want_removal(record);
    if (!by_snapshot) record.wait_status = status;
    if (!sleeps) record.sleep_snapshot.clear();
    record.harness = record.init = {};
  });
  if (!by_snapshot) node_.endpoints.ended(instance.aid);
  wake_images_.not_needed(instance.aid);
  if (changed) {
    node_.events.add(instance.aid, changed->state == InstanceState::asleep ? "asleep" : "exited",
                     instance.aid + ": " + changed->why, {{"status", status}});
  } else {
    log_error("end of " + instance.aid + ": " + changed.error().message());
  }
  std::lock_guard lock(instance.mutex);
  instance.ended = true;
  instance.changed.notify_all();
}

void Lifecycle::on_failed(Instance& instance, const std::string& why) {
  auto changed = change(instance.aid, [&](InstanceRecord& record) {
    record.state = InstanceState::failed;
    record.why = why;
    record.sleep_snapshot.clear();
    record.harness = record.init = {};
  });
  node_.endpoints.ended(instance.aid);
  wake_images_.all_that_is_left(instance.aid);
  if (changed) node_.events.add(instance.aid, "failed", instance.aid + ": " + why);
  std::lock_guard lock(instance.mutex);
  instance.ended = true;
  instance.changed.notify_all();
}

void Lifecycle::on_closed(const std::shared_ptr<Instance>& instance) {
  bool ended;
  {
    std::lock_guard lock(instance->mutex);
    ended = instance->ended;
  }
  if (ended) purge_if_wanted(instance->aid);
  {
    // From here on the name is free for a new harness.
    std::lock_guard lock(instance->mutex);
    instance->link.reset();
    instance->changed.notify_all();
  }
  if (!ended) settle_lost(instance);
}

void Lifecycle::purge_if_wanted(const std::string& aid) {
  Result<InstanceRecord> record = node_.registry.instance(aid);
  if (!record || record->state != InstanceState::stopped || !wants_removal(*record)) return;
  if (Result<> purged = purge(aid); !purged) return log_warning(purged.error().message());
  node_.events.add(aid, "removed", aid + ": removed at its end");
}

// An application that ended with its snapshot leaves no exit.json: the folder is the record of it.
bool Lifecycle::snapshot_was_finished(const std::string& aid) {
  Result<std::vector<SnapshotRecord>> snapshots = node_.registry.snapshots();
  if (!snapshots) return false;
  for (const SnapshotRecord& snapshot : *snapshots)
    if (snapshot.aid == aid && !snapshot.complete && node_.images.describe(snapshot.dir))
      return true;
  return false;
}

// False when the application runs.
bool Lifecycle::settle_ended(const std::shared_ptr<Instance>& instance, const std::string& why) {
  Result<InstanceRecord> record = node_.registry.instance(instance->aid);
  if (!record) return true;
  Result<Json> exited = read_exit_file(node_.paths.instance_state(instance->aid));
  if (!exited && is_running(record->init)) return false;
  sweep(instance->aid);
  if (exited) {
    on_exited(*instance, *exited);
    purge_if_wanted(instance->aid);
  } else if (snapshot_was_finished(instance->aid)) {
    on_exited(*instance, {{"status", 0}, {"reason", "snapshot"}});
  } else {
    on_failed(*instance, why);
  }
  return true;
}

bool Lifecycle::wait_application_gone(const Operation& operation, Deadline deadline) {
  if (wait_ended(operation.instance(), Deadline::in(seconds(0)))) return true;
  Result<InstanceRecord> record = node_.registry.instance(operation.aid());
  if (!record) return true;
  if (Result<Pidfd> init = Pidfd::open(HostPid{record->init.pid});
      init && is_running(record->init)) {
    pollfd ended{init->fd(), POLLIN, 0};
    ::poll(&ended, 1, deadline.left_ms());
  }
  return settle_ended(hold_on(operation.aid()), "the application and its harness are gone");
}

void Lifecycle::settle_lost(const std::shared_ptr<Instance>& instance) {
  if (settle_ended(instance, "the application and its harness are gone")) return;
  {
    std::lock_guard lock(instance->mutex);
    auto lived = std::chrono::steady_clock::now() - instance->harness_since;
    if (lived > kSteadyAfter) instance->adoptions = 0;
  }
  node_.events.add(instance->aid, "harness-lost", instance->aid + ": its harness has died");
  adopt(instance);
}

void Lifecycle::adopt(const std::shared_ptr<Instance>& instance) {
  seconds pause;
  {
    std::lock_guard lock(instance->mutex);
    instance->ended = false;  // a daemon that has just started could not know
    pause = pause_before(++instance->adoptions);
  }
  if (pause.count() > 0)
    log_error(instance->aid + ": its harnesses keep dying, the next is started in " +
              std::to_string(pause.count()) + " s");
  background_.run_later(pause, [this, instance] {
    Result<Operation> operation = begin(instance->aid, kAdopting);
    if (!operation) return log_error("adopt: " + operation.error().message());
    Result<InstanceRecord> record = node_.registry.instance(instance->aid);
    if (!record || !is_alive(record->state)) return;
    {
      std::lock_guard lock(instance->mutex);
      if (instance->link) return;  // somebody else was faster
    }
    if (settle_ended(instance, "its harness died, and it with it")) return;
    HarnessConfig config;
    config.mode = "adopt";
    config.generation = record->generation;
    if (const Result<Json> spec = parse_json(record->spec))
      config.limits = limits_from_json(field(*spec, "limits"));
    Result<Started> started = start(*instance, config, record->state, record->why);
    if (started) {
      node_.metrics.adoptions++;
      return node_.events.add(instance->aid, "adopted", instance->aid + ": has a new harness");
    }
    log_error(instance->aid + ": not adopted: " + started.error().message());
    adopt(instance);  // it may be about to end; else the next attempt comes later and later
  });
}

}  // namespace appshot
