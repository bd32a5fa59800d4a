#include "node/instances.h"

#include <sys/wait.h>

#include <algorithm>

#include "node/launch_request.h"
#include "node/log.h"
#include "node/own_ids.h"
#include "os/file.h"

namespace appshot {
namespace {

using std::chrono::milliseconds;

constexpr int kRemovalsMax = 10;  // of one that others start again and again
constexpr milliseconds kAnswerWait{10'000};
// A listing rather lacks a number than waits for a harness that is deep in work.
constexpr milliseconds kStatusWait{1'000};

}  // namespace

Json describe_instance(Node& node, const InstanceRecord& record, const Json& status,
                       const std::string& busy) {
  Result<Json> parsed = parse_json(record.spec);
  Json spec = parsed ? *parsed : Json::object();
  Json document{{"aid", record.aid},
                {"generated", record.generated},
                {"state", name_of(record.state)},
                {"why", record.why},
                {"created_ms", record.created_ms},
                {"changed_ms", record.changed_ms},
                {"age_ms", unix_time_ms() - record.created_ms},
                {"argv", strings_at(spec, "argv")},
                {"options", spec},
                {"generation", record.generation},
                {"node", "local"},
                {"template", field(field(spec, "template"), "name")},
                {"ports", strings_at(spec, "ports")},
                {"address", nullptr},
                {"inner_address", nullptr},
                {"parent_snapshot", record.parent_snapshot},
                {"sleep_snapshot", record.sleep_snapshot},
                {"harness_pid", record.harness.pid},
                {"init_pid", record.init.pid},
                {"root_pid", int_at(status, "root_pid")},
                {"processes", int_at(status, "processes")},
                {"memory_bytes", int_at(status, "memory")},
                {"missing_bytes", int_at(status, "missing")},
                {"attached", int_at(status, "attached")},
                {"busy", busy},
                {"exit_status", nullptr},
                {"exit_signal", nullptr}};
  document["options"].erase("argv");
  if (std::optional<LeaseRecord> lease = node.endpoints.lease_of(record.aid)) {
    document["address"] = lease->address;
    if (spec.contains("inner_address")) document["inner_address"] = spec["inner_address"];
  }
  if (!record.wait_status) return document;
  int ended = *record.wait_status;
  if (WIFSIGNALED(ended)) document["exit_signal"] = WTERMSIG(ended);
  if (WIFEXITED(ended)) document["exit_status"] = WEXITSTATUS(ended);
  return document;
}

Result<Json> Instances::launch(const Json& asked) {
  Json request = asked;
  TRY(check_launch(request));
  request["privileges"] = privileges_to_json(TRY(privileges_of(request)));
  auto held = environments_.hold_layers();
  if (shares_files(request))
    request["rules"] = Json::array();  // there is nothing that they could lead elsewhere
  else
    TRY(environments_.prepare_launch(request));
  if (bool_at(request, "userns")) request["root"] = TRY(choose_own_ids(node_));
  InstanceRecord record;
  record.created_ms = record.changed_ms = unix_time_ms();
  record.why = "being launched";
  record.spec = json_text(spec_of(request));
  std::string name = string_at(request, "name");
  AidWish wish{name.empty() ? AidWish::Kind::generated : AidWish::Kind::given, name};
  std::string aid = TRY(node_.registry.create_instance(record, wish));
  held.unlock();
  Result<> started = start_launched(aid, request);
  if (!started) {
    node_.metrics.failures++;
    (void)lifecycle_.purge(aid);  // what matters is why it did not start
    std::string what = "cannot run " + strings_at(request, "argv").front();
    return std::move(started).within(what).take_error();
  }
  node_.metrics.launches++;
  node_.events.add(aid, "launched", aid + ": " + strings_at(request, "argv").front());
  return describe_instance(node_, TRY(node_.registry.instance(aid)), Json(), "");
}

Result<> Instances::start_launched(const std::string& aid, const Json& request) {
  Operation operation = TRY(lifecycle_.begin(aid, "launch"));
  HarnessConfig config = config_of(request, aid);
  config.node = node_.config.node;
  TRY(environments_.complete(request, config));
  bool held = config.hold_start;
  const std::vector<std::string> ports = config.ports;
  TRY(node_.endpoints.take(aid, config));
  if (config.ports != ports) TRY(lifecycle_.keep_ports(aid, config.ports));
  TRY(lifecycle_.start(operation.instance(), std::move(config),
                       held ? InstanceState::held : InstanceState::running,
                       held ? "waits for the first attach" : "launched"));
  return {};
}

Result<Json> Instances::list(bool all) {
  struct Asked {
    InstanceRecord record;
    std::shared_ptr<HarnessLink> link;
    std::optional<int64_t> question;
    std::string busy;
  };
  std::vector<Asked> asked;
  for (InstanceRecord& record : TRY(node_.registry.instances())) {
    bool shown = all || is_alive(record.state) || record.state == InstanceState::asleep;
    if (!shown) continue;
    Asked entry{std::move(record), nullptr, {}, ""};
    entry.busy = lifecycle_.busy_with(entry.record.aid);
    if (is_alive(entry.record.state) && entry.busy.empty()) {
      auto link = lifecycle_.link(entry.record.aid, Deadline::in(milliseconds(0)));
      if (link) {
        entry.link = *link;
        if (Result<int64_t> id = entry.link->ask("status", Json::object()); id)
          entry.question = *id;
      }
    }
    asked.push_back(std::move(entry));
  }
  Deadline deadline = Deadline::in(kStatusWait);
  Json list = Json::array();
  for (Asked& entry : asked) {
    Json status;
    if (entry.question) status = entry.link->await(*entry.question, deadline).value_or(Json());
    list.push_back(describe_instance(node_, entry.record, status, entry.busy));
  }
  return Json{{"instances", std::move(list)}};
}

Result<Json> Instances::describe(const std::string& aid, bool with_records) {
  InstanceRecord record = TRY(node_.registry.instance(aid));
  Json status;
  Json records = Json::array();
  if (is_alive(record.state)) {
    status = ask(record.aid, "status").value_or(Json());
    if (with_records) {
      Json resources = TRY(ask(record.aid, "resources"));
      records = field(resources, "records");
    }
  } else if (record.state == InstanceState::asleep && with_records) {
    SnapshotRecord snapshot = TRY(node_.registry.snapshot(record.sleep_snapshot));
    records = TRY(node_.images.records(snapshot.dir));
  }
  Json document = describe_instance(node_, record, status, lifecycle_.busy_with(record.aid));
  if (with_records) document["records"] = std::move(records);
  return document;
}

Result<Json> Instances::ask(const std::string& aid, std::string_view op, Json arguments) {
  std::shared_ptr<HarnessLink> link = TRY(lifecycle_.link(aid));
  Result<Json> answer = link->call(op, std::move(arguments), Deadline::in(kAnswerWait));
  if (!answer && answer.error().cls() == ErrorClass::gone)
    if (Result<InstanceRecord> now = node_.registry.instance(aid); now && !is_alive(now->state))
      return not_running(*now);
  return std::move(answer).within(aid);
}

Result<Json> Instances::start(const std::string& aid) {
  TRY(lifecycle_.await_adoption(aid));
  Operation operation = TRY(lifecycle_.begin(aid, "start"));
  TRY(ask(operation.aid(), "start"));
  InstanceRecord record = TRY(lifecycle_.change(operation.aid(), [](InstanceRecord& edited) {
    if (edited.state == InstanceState::held) edited.state = InstanceState::running;
  }));
  return describe_instance(node_, record, Json(), "");
}

Result<Json> Instances::join(const std::string& aid, const Json& request) {
  const std::vector<std::string> argv = strings_at(request, "argv");
  if (argv.empty()) return Error(ErrorClass::usage, "no program to run");
  TRY(lifecycle_.await_adoption(aid));
  Operation operation = TRY(lifecycle_.begin(aid, "exec"));
  Json arguments{{"argv", argv}, {"env", strings_at(request, "env")}};
  for (const char* name : {"cwd", "user"})
    if (const std::string given = string_at(request, name); !given.empty()) arguments[name] = given;
  const Json joined = TRY(ask(operation.aid(), "join", std::move(arguments)));
  node_.events.add(operation.aid(), "joined",
                   operation.aid() + ": " + argv.front() + " has joined it");
  return Json{{"aid", operation.aid()}, {"pid", int_at(joined, "pid")}};
}

Result<Json> Instances::kill(const std::string& aid, int signal, int64_t virtual_pid) {
  return ask(aid, "kill", {{"signal", signal}, {"vpid", virtual_pid}});
}

Result<Json> Instances::stop(const std::string& aid, int64_t timeout_ms) {
  TRY(lifecycle_.await_adoption(aid));
  Operation operation = TRY(lifecycle_.begin(aid, "stop"));
  InstanceRecord record = TRY(node_.registry.instance(operation.aid()));
  if (record.state == InstanceState::asleep) {
    // Nothing runs; what it would be woken from is dropped with the sleep.
    std::string snapshot = record.sleep_snapshot;
    record = TRY(lifecycle_.change(operation.aid(), [](InstanceRecord& edited) {
      edited.state = InstanceState::stopped;
      edited.why = "stopped by request while asleep";
      edited.sleep_snapshot.clear();
    }));
    drop_snapshot(node_, lifecycle_.background(), snapshot);
    return describe_instance(node_, record, Json(), "");
  }
  if (!is_alive(record.state)) return describe_instance(node_, record, Json(), "");
  Result<std::shared_ptr<HarnessLink>> link = lifecycle_.link(operation.aid());
  if (!link) {
    // It may have ended by itself just now, which is what was wanted.
    Result<InstanceRecord> now = node_.registry.instance(operation.aid());
    if (now && !is_alive(now->state)) return describe_instance(node_, *now, Json(), "");
    return link.take_error();
  }
  {
    std::lock_guard lock(operation.instance().mutex);
    operation.instance().stop_wanted = true;
  }
  Deadline deadline = Deadline::in(milliseconds(timeout_ms) + kAnswerWait);
  Result<Json> answer = (*link)->call("terminate", {{"timeout_ms", timeout_ms}}, deadline);
  bool gone = !answer && answer.error().cls() == ErrorClass::gone;
  if (!answer && !gone) return std::move(answer).within("cannot stop " + aid);
  if (!lifecycle_.wait_ended(operation.instance(), deadline))
    return Error(ErrorClass::timeout, aid + " did not end");
  Result<InstanceRecord> after = node_.registry.instance(operation.aid());
  // With --rm it is gone by now.
  return describe_instance(node_, after ? *after : record, Json(), "");
}

Result<Json> Instances::wait(const std::string& aid, int64_t timeout_ms) {
  InstanceRecord record = TRY(node_.registry.instance(aid));
  std::shared_ptr<Instance> instance = lifecycle_.hold_on(record.aid);
  if (!lifecycle_.wait_harness_gone(*instance, Deadline::in(milliseconds(timeout_ms))))
    return Error(ErrorClass::timeout, record.aid + " has not ended");
  Result<InstanceRecord> after = node_.registry.instance(record.aid);
  return describe_instance(node_, after ? *after : record, Json(), "");
}

Result<Json> Instances::remove(const std::string& aid, bool force) {
  InstanceRecord record = TRY(node_.registry.instance(aid));
  for (int tries = 1;; ++tries) {
    const bool precious = is_alive(record.state) || record.state == InstanceState::asleep;
    if (precious && (!force || tries > kRemovalsMax))
      return Error(ErrorClass::conflict,
                   "cannot remove " + record.aid + ": it is " + std::string(name_of(record.state)))
          .hint("stop it first (appshot stop " + record.aid + "), or use appshot rm -f");
    if (precious) TRY(stop(record.aid, 0));
    Result<Operation> operation = lifecycle_.begin(record.aid, "remove");
    if (!operation && operation.error().cls() == ErrorClass::not_found)
      return Json{{"aid", record.aid}};
    if (!operation) return operation.take_error();
    // Somebody may have begun it anew before we had it for ourselves.
    record = TRY(node_.registry.instance(record.aid));
    if (is_alive(record.state) || record.state == InstanceState::asleep) continue;
    if (!lifecycle_.wait_harness_gone(operation->instance(), Deadline::in(kAnswerWait)))
      return Error(ErrorClass::timeout, "cannot remove " + record.aid + ": it has not ended yet")
          .hint("try again");
    Result<> purged = lifecycle_.purge(record.aid);
    if (!purged && purged.error().cls() != ErrorClass::not_found) return purged.take_error();
    node_.events.add(record.aid, "removed", record.aid + ": removed");
    return Json{{"aid", record.aid}};
  }
}

Result<Json> Instances::rids(const std::string& aid) { return ask(aid, "rids"); }

Result<Json> Instances::check(const std::string& aid) { return ask(aid, "check"); }

Result<Json> Instances::why(const std::string& aid) {
  InstanceRecord record = TRY(node_.registry.instance(aid));
  Json events = Json::array();
  for (const EventRecord& event : TRY(node_.events.recent(0, 10, record.aid)))
    events.push_back(event_to_json(event));
  return Json{{"aid", record.aid},
              {"state", name_of(record.state)},
              {"why", record.why},
              {"changed_ms", record.changed_ms},
              {"events", std::move(events)}};
}

Result<> Instances::reachable(const std::string& aid) {
  TRY(lifecycle_.link(aid));
  return {};
}

Result<> Instances::hand_over(const std::string& aid, std::string_view op, const Json& arguments,
                              int stream) {
  std::shared_ptr<HarnessLink> link = TRY(lifecycle_.link(aid));
  InstanceRecord record = TRY(node_.registry.instance(aid));
  // The first attach starts a held program. Written down first: what the client learns from its
  // stream must not be ahead of what it reads here.
  bool starts = op == "attach" && record.state == InstanceState::held;
  auto change_state = [&](InstanceState from, InstanceState to) {
    return lifecycle_.change(record.aid, [&](InstanceRecord& edited) {
      if (edited.state == from) edited.state = to;
      if (edited.state == InstanceState::running) edited.why = "launched";
    });
  };
  if (starts) TRY(change_state(InstanceState::held, InstanceState::running));
  int fds[] = {stream};
  Result<Json> handed = link->call(op, arguments, Deadline::in(kAnswerWait), fds);
  if (handed) return {};
  if (!starts) return handed.take_error();
  // Its harness ends: nothing is left of a program that could not be started.
  std::shared_ptr<Instance> instance = lifecycle_.hold_on(record.aid);
  if (lifecycle_.wait_harness_gone(*instance, Deadline::in(kAnswerWait)))
    (void)lifecycle_.purge(record.aid);
  Result<Json> spec = parse_json(record.spec);
  std::vector<std::string> argv = spec ? strings_at(*spec, "argv") : std::vector<std::string>();
  return std::move(handed).within("cannot run " + (argv.empty() ? aid : argv.front())).take_error();
}

}  // namespace appshot
