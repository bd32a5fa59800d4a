#include "harness/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "endpoints/held_connections.h"
#include "harness/origin.h"
#include "init/init.h"
#include "os/file.h"
#include "os/proc/process_dir.h"
#include "protocol/error_json.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kRestEndsMax{10};  // with the program that has left it behind
constexpr std::chrono::seconds kEndMax{20};
constexpr std::chrono::seconds kLastWordsMax{10};

}  // namespace

Harness::Harness(HarnessConfig config, Channel first_connection, Prepared prepared)
    : config_(std::move(config)),
      places_{config_.state_dir, config_.run_dir},
      prepared_(std::move(prepared)) {
  connections_.push_back({std::move(first_connection)});
}

int Harness::run() {
  Result<> started = start();
  if (!started) {
    tell_everyone(make_event(
        "failed", {{"error", error_to_json(started.error())}, {"errno", started.error().err()}}));
    // An application that could not be taken over runs on all the same.
    if (config_.mode != "adopt") clean_up();
    return 1;
  }
  tell_everyone(make_event(
      "ready", {{"init_pid", instance_->init_pid.value}, {"root_pid", instance_->root_pid}}));
  if (config_.mode == "restore") {
    drop_origin(places_);
    keep_origin(config_, places_);
  }
  if (config_.mode != "launch" && !instance_->pager) tell_everyone(make_event("memory_is_in"));
  (void)!remove_old_layers(places_);
  serve();
  clean_up();
  // Whoever waits for the name to be free sees these close.
  connections_.clear();
  // The last words of programs to their peers may still be on their way.
  if (end_reason_ != "snapshot") (void)!network_.await_sent(Deadline::in(kLastWordsMax));
  (void)!remove_old_layers(places_);
  return 0;
}

Result<> Harness::let_connections_go() const {
  const Share share = TRY(Share::from_names(instance_->config.share));
  if (!share.net) return {};
  return HeldConnections(node_folder(places_.state)).let_go_of_instance(config_.aid);
}

Result<> Harness::start() {
  TRY(make_places(places_));
  listener_.emplace(TRY(Listener::at(places_.socket())));
  log_ = TRY(OutputLog::open(places_.log()));
  if (config_.mode == "adopt") {
    TRY(network_.leave());  // the instance has its own already
    groups_.emplace(TRY(InstanceGroups::open(config_)));
    instance_.emplace(TRY(adopt(config_, places_)));
    TRY(network_.find(instance_->config, instance_->init_pid));
    TRY(let_connections_go());  // by a harness that has died while it took a snapshot
  } else {
    TRY(write_info(places_, config_));
    groups_.emplace(TRY(InstanceGroups::create(config_)));
    instance_.emplace(config_.mode == "restore"
                          ? TRY(restore_instance(config_, places_, *groups_, prepared_,
                                                 [this](const Json& e) { tell_everyone(e); }))
                          : TRY(launch(config_, places_, *groups_, prepared_)));
  }
  config_ = instance_->config;
  memory_watch_ = TRY(MemoryWatch::begin(groups_->limited));
  held_ = config_.mode == "launch" && config_.hold_start;
  session_ = std::make_unique<Session>(std::move(instance_->ends), &log_);
  session_->on_input_end([this] {
    (void)!instance_->init.ask({{"op", init_op::kForget}, {"names", {"stdin"}}});
  });
  return {};
}

void Harness::serve() {
  while (!ended_) {
    std::vector<pollfd> all = waits();
    int ready = ::poll(all.data(), all.size(), next_timeout_ms());
    if (ready < 0 && errno != EINTR) return instance_ended("harness");
    for (const pollfd& one : all)
      if (one.revents != 0) handle_ready(one);
    if (ended_) return;
    // What init told while it was asked something else.
    if (instance_->init.has_events()) take_init_events();
    std::erase_if(connections_, [](const Connection& c) { return !c.channel; });
    take_timeouts();
  }
}

std::vector<pollfd> Harness::waits() {
  std::vector<pollfd> all;
  all.push_back({listener_->fd(), POLLIN, 0});
  all.push_back({instance_->init.fd(), POLLIN, 0});
  if (memory_watch_.fd() >= 0) all.push_back(memory_watch_.wait());
  if (instance_->pager) all.push_back({instance_->pager->process_fd(), POLLIN, 0});
  for (const Connection& connection : connections_)
    all.push_back({connection.channel.fd(), POLLIN, 0});
  session_->add_waits(all);
  for (const auto& visitor : visitors_) visitor.second->add_waits(all);
  return all;
}

int Harness::next_timeout_ms() const {
  int next = memory_watch_.next_look_ms();
  for (const PendingEnd& pending : pending_ends_)
    if (!pending.killed)
      next = next < 0 ? pending.deadline.left_ms() : std::min(next, pending.deadline.left_ms());
  return next;
}

void Harness::handle_ready(const pollfd& ready) {
  for (Connection& connection : connections_)
    if (connection.channel && connection.channel.fd() == ready.fd) return take_request(connection);
  if (ended_) return;
  if (ready.fd == listener_->fd()) return take_connection();
  if (ready.fd == instance_->init.fd()) return take_init_events();
  if (instance_->pager && ready.fd == instance_->pager->process_fd()) return memory_is_in();
  if (ready.fd == memory_watch_.fd()) return memory_watch_.expect_news();
  session_->handle(ready);
  for (const auto& visitor : visitors_) visitor.second->handle(ready);
}

// Or could not be brought in; then init is about to tell that the instance has ended.
void Harness::memory_is_in() {
  const Result<> all_in = instance_->pager->finish({});
  instance_->pager.reset();
  if (all_in) tell_everyone(make_event("memory_is_in"));
  (void)!instance_->init.ask(
      {{"op", init_op::kForget}, {"names", {init_kept::kPager, init_kept::kPagerPage}}});
}

void Harness::take_connection() {
  Result<Channel> channel = listener_->accept();
  if (channel) connections_.push_back({std::move(*channel)});
}

void Harness::take_request(Connection& connection) {
  Result<std::optional<Packet>> packet =
      connection.channel.receive(Deadline::in(std::chrono::seconds(0)));
  if (!packet || !*packet) {
    std::erase_if(pending_ends_,
                  [&](const PendingEnd& p) { return p.channel == &connection.channel; });
    connection.channel = Channel();
    return;
  }
  Packet& request = **packet;
  int64_t id = int_at(request.document, "id");
  std::string name = string_at(request.document, "op");
  Operation operation = find_operation(name);
  auto perform = [&]() -> Result<Json> {
    if (operation == nullptr)
      return Error(ErrorClass::usage, "the harness knows no operation '" + name + "'");
    // Asked at the moment at which everything was found to be gone.
    if (ended_) return Error(ErrorClass::gone, "it has ended");
    return (this->*operation)(connection, request);
  };
  Result<Json> result = perform();
  if (result && result->is_null()) return;  // answered later
  (void)!connection.channel.send(result ? make_answer(id, *std::move(result))
                                        : make_refusal(id, result.error()));
  // After the answer, what it leads to: an instance that was snapshotted to stop is at its end.
  if (!end_reason_.empty()) instance_ended(end_reason_);
}

void Harness::take_init_events() {
  for (;;) {
    Result<std::optional<Json>> event = instance_->init.next_event();
    if (!event) return instance_ended("exit");
    if (!*event) return;
    std::string kind = string_at(**event, "event");
    auto pid = static_cast<pid_t>(int_at(**event, "pid"));
    auto status = static_cast<int>(int_at(**event, "status"));
    if (kind == "ended" && pid == instance_->root_pid && !bool_at(**event, "visitor")) {
      root_status_ = status;
      if (config_.ends_with_program && pending_ends_.empty())
        pending_ends_.push_back({nullptr, 0, Deadline::in(kRestEndsMax)});
      if (!pending_ends_.empty()) ask_rest_to_end();
    } else if (kind == "ended") {
      auto visitor = visitors_.find(pid);
      if (visitor == visitors_.end()) continue;
      visitor->second->finish_with_exit(status);
      visitors_.erase(visitor);
    }
  }
}

// The program was asked to end and has; what it started and left behind is asked, too.
void Harness::ask_rest_to_end() {
  for (pid_t pid : groups_->application.processes().value_or({}))
    for (int signal : {SIGTERM, SIGCONT}) ::kill(pid, signal);
}

void Harness::tell_memory_kills() {
  if (const int64_t ended = memory_watch_.news(groups_->limited); ended > 0)
    tell_everyone(make_event("out_of_memory", {{"processes", ended}}));
}

void Harness::take_timeouts() {
  if (memory_watch_.next_look_ms() >= 0) tell_memory_kills();
  for (PendingEnd& pending : pending_ends_) {
    if (pending.killed || !pending.deadline.passed()) continue;
    pending.killed = true;
    (void)!groups_->visitors.kill_all();
    (void)!groups_->application.kill_all();
  }
}

// Everything in the instance is gone, or goes now. Who looks later finds the record, who is here is
// told.
void Harness::instance_ended(const std::string& reason) {
  if (ended_) return;
  ended_ = true;
  int status = root_status_.value_or(0);
  tell_memory_kills();
  const int64_t memory_kills = groups_->limited.memory_kills();
  Json lost;
  // Of an installation that was held for who attends it: nobody is there any more to keep it.
  const bool is_abandoned =
      config_.ends_with_program && config_.hold_start && session_->attached() == 0;
  if (reason == "snapshot") {
    session_->finish_with_reason("snapshot");
  } else {
    Json record = {{"status", status}, {"reason", WIFSIGNALED(status) ? "signal" : "exit"}};
    if (memory_kills > 0) record["memory_kills"] = memory_kills;
    if (is_abandoned) record["abandoned"] = true;
    // Who brought about its end may have said why.
    lost = field(parse_json(read_file(places_.exit_record()).value_or("")).value_or({}), "error");
    if (lost.is_null())
      (void)!write_file(places_.exit_record(), json_text(record), O_CREAT | O_TRUNC);
    session_->finish_with_exit(status);
  }
  for (auto& visitor : visitors_) visitor.second->finish_with_reason("stopped");
  std::string told = reason == "snapshot" ? reason : WIFSIGNALED(status) ? "signal" : "exit";
  Json exited = make_event("exited", {{"status", status}, {"reason", told}});
  if (!lost.is_null()) exited["error"] = lost;
  if (memory_kills > 0) exited["memory_kills"] = memory_kills;
  if (is_abandoned) exited["abandoned"] = true;
  // A snapshot has ended every process of the application; that its namespaces go takes the kernel
  // a while for which nobody has to wait.
  if (reason == "snapshot") {
    network_.unplug();
    tell_everyone(exited);
  }
  clean_up();
  // The image holds the private files; a second copy would only take room.
  if (reason == "snapshot") (void)!put_layers_aside(places_);
  for (PendingEnd& pending : pending_ends_)
    if (pending.channel != nullptr) (void)!pending.channel->send(make_answer(pending.id));
  if (reason != "snapshot") tell_everyone(exited);
}

// Nothing of ours is left behind: init takes its namespaces with it, we remove what has a name.
void Harness::clean_up() {
  if (groups_) {
    (void)!groups_->instance.kill_all();
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
    (void)!groups_->instance.wait_empty(Deadline::in(kEndMax));
    (void)!groups_->remove();
    groups_.reset();
  }
  listener_.reset();
  (void)!remove_tree(places_.run);
  drop_origin(places_);
}

void Harness::tell_everyone(const Json& message) {
  for (Connection& connection : connections_)
    if (connection.channel) (void)!connection.channel.send(message);
}

std::string Harness::first_mounts() {
  if (!first_mounts_.empty()) return first_mounts_;
  Result<Packet> kept = instance_->init.ask({{"op", init_op::kFetch}});
  if (!kept) return "";
  std::vector<std::string> names = strings_at(kept->document, "names");
  for (size_t i = 0; i < names.size() && i < kept->fds.size(); ++i)
    if (names[i] == kKeptMounts)
      first_mounts_ = read_file("/proc/self/fd/" + std::to_string(kept->fds[i].get())).value_or("");
  return first_mounts_;
}

namespace {

// Only who was forked and has begun no program since can have memory in common with another so.
bool may_share_since_fork(const Cgroup& application) {
  constexpr uint64_t kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC
  const std::vector<pid_t> all = application.processes().value_or({});
  return all.size() > 1 && std::ranges::any_of(all, [](pid_t pid) {
           const Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
           const Result<proc::Stat> stat = dir ? dir->stat() : Result<proc::Stat>(dir.error());
           return stat && (stat->flags & kForkedWithoutExec) != 0;
         });
}

}  // namespace

InstanceView Harness::view() {
  InstanceView view;
  view.mounts = first_mounts();
  view.seen_queues = &seen_queues_;
  view.tracks = &tracks_;
  view.mapping_flags = &mapping_flags_;
  view.kernel_layout = &kernel_layout_;
  // A snapshot may not make the kernel end anybody, nor the machine short of memory.
  if (config_.limits.memory_bytes != 0 || config_.event == "clone" ||
      may_share_since_fork(groups_->application))
    view.shared_memory = RemoteMemory::Shared::stays;
  view.own_network = &network_.known();
  view.aid = config_.aid;
  view.share = Share::from_names(config_.share).value_or(Share{});
  view.init = instance_->init_pid;
  view.root = "/proc/" + std::to_string(view.init.value) + "/root";
  view.layers = view.share.fs ? "" : places_.layers();
  view.frozen = config_.frozen;
  if (Result<UniqueFd> proc = open_file(view.root + "/proc", O_RDONLY | O_DIRECTORY))
    view.proc = std::move(*proc);
  view.application = &groups_->application;
  const Session::Ends& ends = session_->ends();
  struct Named {
    const char* name;
    const UniqueFd& fd;
  };
  for (const Named& end :
       {Named{"stdin", ends.input}, Named{"stdout", ends.output}, Named{"stderr", ends.error}}) {
    struct stat info {};
    if (ends.tty || !end.fd || ::fstat(end.fd.get(), &info) != 0) continue;
    view.streams.push_back({end.name, info.st_dev, info.st_ino});
  }
  if (ends.tty) {
    view.terminal = ends.output.get();
    view.terminal_index = instance_->terminal_index;
  }
  return view;
}

}  // namespace appshot
