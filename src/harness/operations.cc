// What the daemon can ask of a harness; the table of docs/harness-protocol.md.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <map>

#include "checkpoint/checkpoint.h"
#include "checkpoint/preflight.h"
#include "endpoints/held_connections.h"
#include "harness/harness.h"
#include "harness/hooks.h"
#include "harness/origin.h"
#include "harness/progress.h"
#include "harness/rules.h"
#include "image/working_set.h"
#include "init/init.h"
#include "os/file.h"
#include "protocol/error_json.h"
#include "protocol/messages.h"
#include "restore/room_here.h"

namespace appshot {
namespace {

constexpr int kTerminateMsDefault = 10'000;
constexpr std::chrono::seconds kSendingMax{1};
// There and back around the world, and whoever waits a little before he answers.
constexpr std::chrono::milliseconds kHandshakeMax{300};
constexpr uint64_t kPageBytes = 4096;
constexpr int64_t kEveryone = -1;  // but init
constexpr int kStatusNotRunnable = 126;
constexpr int kStatusNotFound = 127;

}  // namespace

Harness::Operation Harness::find_operation(const std::string& op) {
  static const std::map<std::string, Operation> operations = {
      {"status", &Harness::op_status},      {"start", &Harness::op_start},
      {"attach", &Harness::op_attach},      {"exec", &Harness::op_exec},
      {"join", &Harness::op_join},          {"kill", &Harness::op_kill},
      {"check", &Harness::op_check},        {"snapshot", &Harness::op_snapshot},
      {"rids", &Harness::op_rids},          {"resources", &Harness::op_resources},
      {"terminate", &Harness::op_terminate}};
  auto found = operations.find(op);
  return found == operations.end() ? nullptr : found->second;
}

Result<Json> Harness::op_status(Connection&, Packet&) {
  uint64_t memory = 0;
  std::vector<pid_t> pids = TRY(groups_->application.processes());
  for (pid_t pid : pids) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    if (!dir) continue;
    std::string statm = dir->read("statm").value_or("0 0");
    memory += std::strtoull(statm.c_str() + statm.find(' '), nullptr, 10) * kPageBytes;
  }
  return Json{{"state", held_ ? "held" : "running"},
              {"init_pid", instance_->init_pid.value},
              {"root_pid", instance_->root_pid},
              {"processes", pids.size()},
              {"memory", memory},
              {"missing", instance_->pager ? instance_->pager->missing_bytes() : 0},
              {"attached", session_->attached()},
              {"tty", session_->ends().tty},
              {"exec", visitors_.size()}};
}

Result<Json> Harness::op_start(Connection&, Packet&) {
  TRY(start_held_program());
  return Json{{"root_pid", instance_->root_pid}};
}

Result<Json> Harness::op_attach(Connection&, Packet& request) {
  if (request.fds.size() != 1) return Error(ErrorClass::usage, "attach takes one stream");
  auto rows = static_cast<uint16_t>(int_at(request.document, "rows"));
  auto cols = static_cast<uint16_t>(int_at(request.document, "cols"));
  if (rows != 0 && cols != 0) TRY(session_->set_window({rows, cols}));
  // Nothing that it writes is read before we are back in the loop.
  TRY(start_held_program());
  session_->attach(std::move(request.fds[0]));
  return Json::object();
}

Result<Json> Harness::op_exec(Connection&, Packet& request) {
  if (request.fds.size() != 1) return Error(ErrorClass::usage, "exec takes one stream");
  const Json& args = request.document;
  bool tty = bool_at(args, "tty");
  StreamPair streams = TRY(make_streams(instance_->init, tty, bool_at(args, "stdin"), false));
  auto session = std::make_unique<Session>(std::move(streams.ours), nullptr);
  auto rows = static_cast<uint16_t>(int_at(args, "rows"));
  auto cols = static_cast<uint16_t>(int_at(args, "cols"));
  if (rows != 0 && cols != 0) TRY(session->set_window({rows, cols}));
  ProgramStart program{strings_at(args, "argv"),
                       strings_at(args, "env"),
                       string_at(args, "cwd", config_.cwd),
                       string_at(args, "user"),
                       tty,
                       true};
  pid_t pid = TRY(start_program(instance_->init, as_here(program), std::move(streams.theirs)));
  session->attach(std::move(request.fds[0]));
  visitors_[pid] = std::move(session);
  return Json{{"pid", pid}};
}

// What was not said is as the instance has it.
ProgramStart Harness::as_here(ProgramStart program) const {
  program.env = merged_environment(merged_environment(config_.env, config_.rule_env), program.env);
  if (program.user.empty()) program.user = config_.user;
  return program;
}

// What the application writes to; nothing to read from.
Result<std::array<UniqueFd, 3>> Harness::streams_to_join() const {
  std::array<UniqueFd, 3> streams;
  streams[0] = TRY(open_file("/dev/null", O_RDONLY | O_CLOEXEC));
  const Session::Ends& ends = session_->ends();
  for (size_t i : {1U, 2U}) {
    const UniqueFd& end = i == 2 && ends.error ? ends.error : ends.output;
    // The other end of a pipe that somebody still writes to.
    const std::string own = "/proc/self/fd/" + std::to_string(end.get());
    if (end && !ends.tty)
      streams[i] = TRY(open_file(own, O_WRONLY | O_CLOEXEC));
    else if (end)
      streams[i] = UniqueFd(TRY_SYS(::ioctl(end.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY)));
    else
      streams[i] = TRY(open_file("/dev/null", O_WRONLY | O_CLOEXEC));
    TRY_SYS(::fcntl(streams[i].get(), F_SETFD, FD_CLOEXEC));
  }
  return streams;
}

// From then on it is a part of the application, as if that had started it.
Result<Json> Harness::op_join(Connection&, Packet& request) {
  if (held_)
    return Error(ErrorClass::conflict, "its program has not been started yet")
        .hint("appshot attach " + config_.aid + " starts it");
  const Json& args = request.document;
  const ProgramStart program{strings_at(args, "argv"),
                             strings_at(args, "env"),
                             string_at(args, "cwd", config_.cwd),
                             string_at(args, "user"),
                             false,
                             false};
  return Json{
      {"pid", TRY(start_program(instance_->init, as_here(program), TRY(streams_to_join())))}};
}

Result<> Harness::signal(int64_t pid, int64_t number) {
  TRY(instance_->init.ask({{"op", init_op::kSignal}, {"pid", pid}, {"signal", number}}));
  return {};
}

// To the program itself; when that has ended before the processes it started, to those.
Result<> Harness::signal_program(int64_t number) {
  if (instance_->root_pid == 0)
    return Error(ErrorClass::conflict, "its program has not been started yet")
        .hint("appshot attach " + config_.aid + " starts it, appshot stop ends it");
  Result<> sent = signal(instance_->root_pid, number);
  if (!sent && sent.error().err() == ESRCH) sent = signal(kEveryone, number);
  return sent;
}

Result<Json> Harness::op_kill(Connection&, Packet& request) {
  int64_t pid = int_at(request.document, "vpid");
  int64_t number = int_at(request.document, "signal", SIGTERM);
  if (pid < 0)
    return Error(ErrorClass::usage, "there are no process ids below 1")
        .hint("appshot rids " + config_.aid + " lists them");
  if (pid != 0) {
    Result<> sent = signal(pid, number);
    if (!sent && sent.error().err() == ESRCH)
      return Error(ErrorClass::not_found, "there is no process " + std::to_string(pid) + " in it")
          .hint("appshot rids " + config_.aid + " lists them");
    TRY(std::move(sent));
  } else if (number == SIGKILL && instance_->root_pid != 0) {
    // Nobody can have meant that the rest lives on without its program.
    TRY(groups_->application.kill_all());
  } else {
    TRY(signal_program(number));
  }
  return Json::object();
}

// What could not be read then is no wonder; the event of it may not have come yet.
bool Harness::has_ended() const {
  Result<std::vector<pid_t>> living = groups_->application.processes();
  return living && living->empty();
}

// What is still missing is nothing that could be read, and what brings it in is in the way.
Result<> Harness::await_memory(Connection& connection, const Packet& request) {
  if (!instance_->pager) return {};
  Progress progress(connection.channel, int_at(request.document, "id"));
  TRY(instance_->pager->finish(
      [&](uint64_t done, uint64_t total) { progress("restored memory", done, total); }));
  memory_is_in();
  return {};
}

Result<Json> Harness::op_check(Connection& connection, Packet& request) {
  TRY(await_memory(connection, request));
  Result<Obstacles> obstacles = preflight(view());
  if (!obstacles)
    return has_ended() ? Error(ErrorClass::conflict, "it has ended") : obstacles.take_error();
  return Json{{"obstacles", obstacles_to_json(obstacles->all())}, {"warnings", Json::array()}};
}

Result<Json> Harness::op_snapshot(Connection& connection, Packet& request) {
  const Json& args = request.document;
  CheckpointRequest checkpoint_request;
  checkpoint_request.id = string_at(args, "snapshot");
  checkpoint_request.partial = string_at(args, "partial");
  checkpoint_request.final_path = string_at(args, "dir");
  checkpoint_request.parent = string_at(args, "lineage");
  checkpoint_request.stop = bool_at(args, "stop");
  checkpoint_request.sync = bool_at(args, "sync");
  checkpoint_request.full = bool_at(args, "full");
  checkpoint_request.precopy = bool_at(args, "precopy");
  Json options = harness_config_to_json(config_);
  options["root_pid"] = instance_->root_pid;
  checkpoint_request.options = json_text(options);
  checkpoint_request.argv = config_.argv;
  checkpoint_request.progress = Progress(connection.channel, int_at(args, "id"));
  TRY(await_memory(connection, request));
  TRY(ask_before_snapshot());
  session_->drain();
  if (!checkpoint_request.full) recall_origin(config_, places_, tracks_);
  InstanceView instance = view();
  checkpoint_request.refuse_unrestorable = [this](const image::ImageT& image) {
    return refuse_what_cannot_be_restored_here(image, config_.limits.memory_bytes);
  };
  // What a peer has been told of is in the image, when the application ends with it.
  if (checkpoint_request.stop)
    checkpoint_request.mute = [this]() -> Result<> {
      // What has not been taken until then is in the image.
      Result<> sent = network_.await_sent(Deadline::in(kSendingMax));
      if (!sent && sent.error().cls() != ErrorClass::timeout) return sent;
      TRY(network_.mute());
      return network_.await_handshakes(Deadline::in(kHandshakeMax));
    };
  if (checkpoint_request.stop && instance.share.net)
    checkpoint_request.hold = [this, id = checkpoint_request.id](const HeldTcp& what) {
      return HeldConnections(node_folder(places_.state)).hold({id, config_.aid}, what);
    };
  Result<CheckpointReport> taken = checkpoint(instance, checkpoint_request);
  if (!taken) {
    TRY(network_.unmute());
    TRY(let_connections_go());
    if (has_ended()) return Error(ErrorClass::conflict, "it ended before it was captured");
    return taken.take_error();
  }
  const CheckpointReport& report = *taken;
  drop_origin(places_);
  hand_on_working_set(checkpoint_request.final_path);
  if (checkpoint_request.stop) end_reason_ = "snapshot";
  return Json{{"processes", report.processes},
              {"memory_bytes", report.memory_bytes},
              {"stored_bytes", report.stored_bytes},
              {"durable", report.durable},
              {"frozen_ms", report.frozen_ms},
              {"took_ms", report.took_ms},
              {"longest_frozen_ms", report.longest_frozen_ms}};
}

// Who says no is heard: nothing has been disturbed yet.
Result<> Harness::ask_before_snapshot() {
  const auto outcome = run_hook(hook::kBeforeSnapshot, instance_->init, config_,
                                "/proc/" + std::to_string(instance_->init_pid.value) + "/root");
  if (!outcome) return {};
  tell_everyone(hook_event(*outcome));
  if (outcome->ended_well()) return {};
  return Error(ErrorClass::refused, outcome->text())
      .hint("it is /etc/appshot/hooks/" + outcome->name +
            " of the instance; appshot events tells "
            "what it has written");
}

// What the instance has asked for first after its last restore it will ask for again.
void Harness::hand_on_working_set(const std::string& image_folder) const {
  const image::WorkingSet known = image::read_working_set(places_.state);
  if (known.empty()) return;
  Result<UniqueFd> folder = open_file(image_folder, O_RDONLY | O_DIRECTORY);
  // It is a hint: the image is whole without it.
  if (folder) (void)!image::write_working_set(folder->get(), known);
}

Result<Json> Harness::op_rids(Connection&, Packet&) {
  Json rids = Json::array();
  auto add_text = [&](const char* type, const std::string& inside, const std::string& outside,
                      const std::string& name) {
    rids.push_back({{"type", type}, {"virtual", inside}, {"system", outside}, {"name", name}});
  };
  auto add = [&](const char* type, pid_t inside, pid_t outside, const std::string& name) {
    add_text(type, std::to_string(inside), std::to_string(outside), name);
  };
  const EndpointAddresses addresses = addresses_of(config_);
  if (addresses.v4 && addresses.inner_v4) {
    add_text("address", addresses.inside_v4().text(), addresses.v4.text(), kInsideName);
    if (addresses.v6)
      add_text("address", addresses.inside_v6().text(), addresses.v6.text(), kInsideName);
  }
  for (pid_t pid : TRY(groups_->application.processes())) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    if (!dir) continue;
    Result<proc::Fields> status = dir->status();
    Result<proc::Stat> stat = dir->stat();
    Result<std::vector<HostPid>> threads = dir->threads();
    if (!status || !stat || !threads) continue;
    add("pid", proc::id_inside(*status, "NStgid"), pid, stat->name);
    if (stat->session == pid)
      add("sid", proc::id_inside(*status, "NSsid"), stat->session, stat->name);
    if (stat->group == pid)
      add("pgid", proc::id_inside(*status, "NSpgid"), stat->group, stat->name);
    for (HostPid tid : *threads) {
      Result<proc::Fields> own = dir->status_of_thread(tid);
      if (own && tid.value != pid)
        add("tid", proc::id_inside(*own, "NSpid"), tid.value, proc::field(*own, "Name"));
    }
  }
  return Json{{"rids", rids}};
}

Result<Json> Harness::op_resources(Connection&, Packet&) {
  Json records = Json::array();
  for (pid_t pid : TRY(groups_->application.processes())) {
    Result<ProcessSource> source = ProcessSource::look_at(HostPid{pid});
    if (!source) continue;
    records.push_back({{"type", "process"},
                       {"name", source->stat.name},
                       {"process", source->id.value},
                       {"descriptor", -1},
                       {"detail", std::string("state ") + source->stat.state}});
    for (const DescriptorSource& descriptor : source->descriptors)
      records.push_back({{"type", "descriptor"},
                         {"name", descriptor.link},
                         {"process", source->id.value},
                         {"descriptor", descriptor.fd},
                         {"detail", "offset " + proc::field(descriptor.fields, "pos")}});
    for (const proc::Mapping& mapping : source->mappings)
      records.push_back({{"type", "memory"},
                         {"name", mapping.name},
                         {"process", source->id.value},
                         {"descriptor", -1},
                         {"detail", std::to_string(mapping.length()) + " bytes, " +
                                        std::to_string(mapping.anonymous_bytes) + " own"}});
  }
  return Json{{"records", records}};
}

Result<Json> Harness::op_terminate(Connection& connection, Packet& request) {
  auto timeout =
      std::chrono::milliseconds(int_at(request.document, "timeout_ms", kTerminateMsDefault));
  pending_ends_.push_back(
      {&connection.channel, int_at(request.document, "id"), Deadline::in(timeout)});
  if (held_) {
    root_status_ = SIGTERM;  // as if it had been told before its first instruction
    instance_ended("exit");
    return Json();
  }
  // A stopped process would sit on its SIGTERM.
  for (int number : {SIGTERM, SIGCONT}) (void)!signal_program(number);
  return Json();  // answered when it is gone
}

Result<> Harness::start_held_program() {
  if (!held_) return {};
  Result<> started = start_launched_program(*instance_, places_);
  held_ = false;
  if (started) return {};
  // As a shell would report it; nothing is left to hold.
  bool found = started.error().err() != ENOENT;
  root_status_ = (found ? kStatusNotRunnable : kStatusNotFound) << 8;
  end_reason_ = "exit";
  return started;
}

}  // namespace appshot
