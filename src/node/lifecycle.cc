#include "node/lifecycle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "node/harness_start.h"
#include "node/log.h"
#include "node/process_identity.h"
#include "os/cgroup.h"
#include "os/file.h"

namespace appshot {
namespace {

using std::chrono::seconds;

constexpr seconds kOperationWait{60};
constexpr std::chrono::milliseconds kBeforeSpare{2};
// A harness deep in work is not waited for: its news come when it has time.
constexpr seconds kReconnectWait{1};
// A restore reads the whole image before it answers.
constexpr seconds kRestoreWait{600};
// Its harness tidies up before it ends.
constexpr seconds kHarnessEndWait{30};
constexpr seconds kSweepWait{10};
// For the successor of a harness that has died.
constexpr seconds kAdoptionWait{10};

}  // namespace

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status)) {
    int signal = WTERMSIG(status);
    return "the program was killed by signal " + std::to_string(signal) + " (" +
           ::strsignal(signal) + ")";
  }
  return "the program ended with status " + std::to_string(WEXITSTATUS(status));
}

Error not_running(const InstanceRecord& record) {
  std::string hint = record.state == InstanceState::asleep
                         ? "appshot wake " + record.aid
                         : "appshot why " + record.aid + " tells the reason";
  return Error(ErrorClass::conflict,
               record.aid + " is not running: it is " + std::string(name_of(record.state)))
      .hint(hint);
}

Operation::Operation(std::shared_ptr<Instance> instance, std::unique_lock<std::timed_mutex> lock,
                     std::string_view name)
    : instance_(std::move(instance)), lock_(std::move(lock)) {
  std::lock_guard guard(instance_->mutex);
  instance_->busy = name;
}

Operation::~Operation() {
  if (!instance_) return;
  std::lock_guard guard(instance_->mutex);
  instance_->busy.clear();
  instance_->changed.notify_all();
}

std::shared_ptr<Instance> Lifecycle::hold_on(const std::string& aid) {
  std::lock_guard lock(table_mutex_);
  auto& instance = table_[aid];
  if (!instance) instance = std::make_shared<Instance>(aid);
  return instance;
}

std::shared_ptr<Instance> Lifecycle::find(const std::string& aid) {
  std::lock_guard lock(table_mutex_);
  auto found = table_.find(aid);
  return found == table_.end() ? nullptr : found->second;
}

void Lifecycle::forget(const std::shared_ptr<Instance>& instance) {
  std::lock_guard lock(table_mutex_);
  auto found = table_.find(instance->aid);
  if (found != table_.end() && found->second == instance) table_.erase(found);
}

std::string Lifecycle::busy_with(const std::string& aid) {
  std::shared_ptr<Instance> instance = find(aid);
  if (!instance) return "";
  std::lock_guard lock(instance->mutex);
  return instance->busy;
}

Result<Operation> Lifecycle::begin(const std::string& aid_or_prefix, std::string_view what) {
  Deadline deadline = Deadline::in(kOperationWait);
  for (;;) {
    InstanceRecord record = TRY(node_.registry.instance(aid_or_prefix));
    std::shared_ptr<Instance> instance = hold_on(record.aid);
    std::unique_lock lock(instance->operation, std::defer_lock);
    if (!lock.try_lock_for(std::chrono::milliseconds(deadline.left_ms()))) {
      std::string other = busy_with(record.aid);
      return Error(ErrorClass::conflict, record.aid + " is busy: " + other + " is going on");
    }
    // It may have been removed, or even made anew, while we waited.
    if (find(record.aid) != instance) continue;
    if (Result<InstanceRecord> still = node_.registry.instance(record.aid); !still) {
      forget(instance);
      return still.take_error();
    }
    return Operation(std::move(instance), std::move(lock), what);
  }
}

Result<InstanceRecord> Lifecycle::change(const std::string& aid,
                                         const std::function<void(InstanceRecord&)>& edit) {
  std::lock_guard lock(records_mutex_);
  InstanceRecord record = TRY(node_.registry.instance(aid));
  InstanceState before = record.state;
  edit(record);
  if (record.state != before) record.changed_ms = unix_time_ms();
  TRY(node_.registry.update_instance(record));
  return record;
}

Result<> Lifecycle::change_spec(const std::string& aid,
                                const std::function<void(Json& spec)>& edit) {
  TRY(change(aid, [&](InstanceRecord& record) {
    Json spec = parse_json(record.spec).value_or(Json::object());
    edit(spec);
    record.spec = json_text(spec);
  }));
  return {};
}

Result<> Lifecycle::keep_ports(const std::string& aid, const std::vector<std::string>& ports) {
  return change_spec(aid, [&](Json& spec) { spec["ports"] = ports; });
}

Result<> Lifecycle::keep_inner_address(const std::string& aid, const std::string& address) {
  return change_spec(aid, [&](Json& spec) {
    spec.erase("inner_address");
    if (!address.empty()) spec["inner_address"] = address;
  });
}

Result<> Lifecycle::prepare_folders(const HarnessConfig& config) {
  TRY(make_folders(config.state_dir, 0700));
  TRY(make_folders(config.run_dir, 0700));
  // What is left of an earlier life must not be taken for news of this one.
  std::string leftover = config.state_dir + "/exit.json";
  if (config.mode != "adopt" && ::unlink(leftover.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "unlink " + leftover);
  return {};
}

// A seed may have died, and is no more than a quicker way.
Result<StartedHarness> Lifecycle::start_harness(const HarnessConfig& config,
                                                HarnessStarter* harnesses) {
  if (harnesses == nullptr) return harnesses_.start(config);
  Result<StartedHarness> started = harnesses->start(config);
  if (started) return started;
  log_warning(config.aid + ": " + started.error().message());
  return harnesses_.start(config);
}

Result<Lifecycle::Started> Lifecycle::start(Instance& instance, HarnessConfig config,
                                            InstanceState state, const std::string& why,
                                            const ProgressListener& progress,
                                            HarnessStarter* harnesses) {
  config.aid = instance.aid;
  config.state_dir = node_.paths.instance_state(instance.aid);
  config.run_dir = node_.paths.instance_run(instance.aid);
  TRY(prepare_folders(config));
  StartedHarness harness = TRY(start_harness(config, harnesses));
  ProcessIdentity identity = identify_process(harness.pid);
  // Before the answer, so that a daemon started again knows of a harness that is not ready yet.
  TRY(change(instance.aid, [&](InstanceRecord& record) { record.harness = identity; }));
  bool restores = config.mode == "restore";
  bool adopts = config.mode == "adopt";
  Result<Json> ready = await_ready(
      harness, restores ? kRestoreWait : std::chrono::milliseconds(node_.config.start_timeout_ms),
      progress);
  if (harnesses == nullptr) prepare_spare_harness();
  if (!ready) {
    // The name is free again only when nothing of this attempt is left.
    bool silent = ready.error().cls() == ErrorClass::timeout;
    if (silent || !await_end(harness, Deadline::in(kHarnessEndWait))) ::kill(harness.pid, SIGKILL);
    (void)!await_end(harness, Deadline::in(kSweepWait));
    if (!adopts) sweep(instance.aid);
    return ready.take_error();
  }
  ProcessIdentity init = identify_process(static_cast<pid_t>(int_at(*ready, "init_pid")));
  {
    // The reactor may tell of its end as soon as the link is open: the record comes first.
    std::lock_guard lock(instance.mutex);
    instance.ended = false;
    instance.stop_wanted = false;
    instance.harness_since = std::chrono::steady_clock::now();
  }
  TRY(change(instance.aid, [&](InstanceRecord& record) {
    record.init = init;
    record.state = state;
    record.why = why;
    record.sleep_snapshot.clear();
    record.wait_status.reset();
  }));
  const Started started{int_at(*ready, "lost_connections")};
  tell_of_lost(instance.aid, started.lost_connections);
  tell_of_lost_keys(instance.aid, int_at(*ready, "lost_host_keys"));
  for (const Json& hook : field(*ready, "hooks")) tell_of_hook(instance.aid, hook);
  TRY(open_link(hold_on(instance.aid), std::move(harness.channel)));
  return started;
}

void Lifecycle::tell_of_hook(const std::string& aid, const Json& hook) {
  node_.events.add(aid, "hook", aid + ": " + string_at(hook, "text"),
                   {{"hook", string_at(hook, "hook")},
                    {"well", bool_at(hook, "well")},
                    {"output", string_at(hook, "output")},
                    {"took_ms", int_at(hook, "took_ms")}});
}

void Lifecycle::tell_of_lost(const std::string& aid, int64_t connections) {
  if (connections == 0) return;
  const std::string text = std::to_string(connections) +
                           (connections == 1 ? " connection" : " connections") +
                           " with others could not be kept: to the program they have been reset";
  node_.events.add(aid, "connections-lost", aid + ": " + text, {{"connections", connections}});
}

void Lifecycle::tell_of_lost_keys(const std::string& aid, int64_t keys) {
  if (keys == 0) return;
  const std::string text = std::to_string(keys) + (keys == 1 ? " host key" : " host keys") +
                           " of its template could not be made anew, and are gone";
  node_.events.add(aid, "host-keys-lost", aid + ": " + text, {{"keys", keys}});
}

// Not at once: it would take a processor from those who are being waited for, the command that is
// about to end among them.
void Lifecycle::prepare_spare_harness(std::shared_ptr<HarnessStarter> harnesses) {
  background_.run_later(kBeforeSpare, [this, harnesses = std::move(harnesses)] {
    (harnesses ? *harnesses : harnesses_).prepare_spare();
  });
}

Result<std::shared_ptr<HarnessLink>> Lifecycle::open_link(const std::shared_ptr<Instance>& instance,
                                                          Channel channel) {
  HarnessLink::Listener listener{[this, instance](const Json& event) { on_event(instance, event); },
                                 [this, instance] { on_closed(instance); }};
  auto link = std::make_shared<HarnessLink>(std::move(channel), std::move(listener));
  {
    std::lock_guard lock(instance->mutex);
    instance->link = link;
    instance->changed.notify_all();
  }
  TRY(reactor_.watch(link));
  return link;
}

Result<> Lifecycle::connect(const std::shared_ptr<Instance>& instance) {
  Channel channel =
      TRY(Channel::connect(node_.paths.instance_run(instance->aid) + "/harness.sock"));
  {
    std::lock_guard lock(instance->mutex);
    instance->ended = false;
  }
  std::shared_ptr<HarnessLink> link = TRY(open_link(instance, std::move(channel)));
  // What the daemon before may not have come to write down.
  Result<Json> status = link->call("status", Json::object(), Deadline::in(kReconnectWait));
  if (!status)
    return status.error().cls() == ErrorClass::timeout ? Result<>() : status.take_error();
  ProcessIdentity init = identify_process(static_cast<pid_t>(int_at(*status, "init_pid")));
  bool held = string_at(*status, "state") == "held";
  TRY(change(instance->aid, [&](InstanceRecord& record) {
    record.init = init;
    if (is_alive(record.state)) record.state = held ? InstanceState::held : InstanceState::running;
  }));
  if (int_at(*status, "missing") == 0) wake_images_.not_needed(instance->aid);
  return {};
}

Result<std::shared_ptr<HarnessLink>> Lifecycle::link(const std::string& aid_or_prefix) {
  return link(aid_or_prefix, Deadline::in(kAdoptionWait));
}

Result<std::shared_ptr<HarnessLink>> Lifecycle::link(const std::string& aid_or_prefix,
                                                     Deadline deadline) {
  InstanceRecord record = TRY(node_.registry.instance(aid_or_prefix));
  std::shared_ptr<Instance> instance = hold_on(record.aid);
  std::unique_lock lock(instance->mutex);
  auto linked = [&] { return instance->link && !instance->link->closed() && !instance->ended; };
  auto decided = [&] {
    bool adoptable = instance->busy.empty() || instance->busy == kAdopting;
    // What a harness has said last is still to be heard: that the application has ended, perhaps.
    const bool is_closing = instance->link && instance->link->closed();
    return linked() || instance->ended || (!adoptable && !is_closing);
  };
  if (is_alive(record.state))
    instance->changed.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()), decided);
  if (linked()) return instance->link;
  lock.unlock();
  record = TRY(node_.registry.instance(record.aid));
  if (is_alive(record.state))
    return Error(ErrorClass::conflict, record.aid + " has no harness at the moment")
        .hint("it is being given a new one; try again");
  return not_running(record);
}

Result<> Lifecycle::await_adoption(const std::string& aid_or_prefix) {
  InstanceRecord record = TRY(node_.registry.instance(aid_or_prefix));
  if (is_alive(record.state)) (void)link(record.aid);
  return {};
}

bool Lifecycle::wait_ended(Instance& instance, Deadline deadline) {
  std::unique_lock lock(instance.mutex);
  return instance.changed.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()),
                                   [&] { return instance.ended; });
}

bool Lifecycle::wait_harness_gone(Instance& instance, Deadline deadline) {
  std::unique_lock lock(instance.mutex);
  return instance.changed.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()),
                                   [&] { return instance.link == nullptr; });
}

namespace {

// The layers of a life that did not come about, those that were put aside for it, and what it was
// woken from.
Result<> remove_what_lived(const std::string& state_dir) {
  for (const std::string& name : TRY(list_folder(state_dir)))
    if (name.starts_with("layers") || name == "origin") TRY(remove_tree(state_dir + "/" + name));
  return {};
}

}  // namespace

void Lifecycle::sweep(const std::string& aid) {
  auto path = instance_group(aid, node_.paths.instance_state(aid));
  Result<> swept =
      path ? remove_instance_group(*path, Deadline::in(kSweepWait)) : path.take_error();
  if (swept) swept = remove_tree(node_.paths.instance_run(aid));
  if (swept) swept = remove_what_lived(node_.paths.instance_state(aid));
  if (!swept) log_warning(std::move(swept).within("what is left of " + aid).error().message());
}

Result<> Lifecycle::purge(const std::string& aid) {
  // The name is free only when nothing of its last owner is left.
  TRY(remove_tree(node_.paths.instance_run(aid)));
  TRY(remove_tree(node_.paths.instance_state(aid)));
  {
    std::lock_guard lock(table_mutex_);
    table_.erase(aid);
  }
  node_.endpoints.release(aid);
  const Result<InstanceRecord> record = node_.registry.instance(aid);
  TRY(node_.registry.remove_instance(aid));
  if (record)
    for (const Purged& listener : when_purged_) listener(*record);
  return {};
}

}  // namespace appshot
