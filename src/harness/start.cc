#include "harness/start.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "endpoints/held_connections.h"
#include "harness/frozen_files.h"
#include "harness/hooks.h"
#include "harness/info_files.h"
#include "harness/rules.h"
#include "init/init.h"
#include "isolation/boot_id.h"
#include "isolation/clocks.h"
#include "os/child.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "protocol/error_json.h"
#include "protocol/unix_address.h"
#include "resources/layers/layers.h"
#include "restore/restore.h"
#include "restore/room_here.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kInitStartMax{30};

// Where a harness that takes over will knock.
Result<UniqueFd> listen_for_successor(const InstancePlaces& places) {
  ::unlink(places.init_socket().c_str());
  UniqueFd socket(TRY_SYS(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)));
  TRY(bind_unix(socket.get(), places.init_socket()));
  TRY_SYS(::listen(socket.get(), 4));
  return socket;
}

// By programs that the kernel asks. Where it cannot, nobody makes a device in it, and of settings
// only what their files permit is in the way.
Result<> keep_from_machine(const MachineGuards& guards, const InstanceGroups& groups,
                           const Share& share, Privileges& privileges) {
  const auto there = [](Result<> asked) -> Result<bool> {
    if (!asked && asked.error().cls() != ErrorClass::unsupported) return asked.take_error();
    return static_cast<bool>(asked);
  };
  if (!TRY(there(guards.guard_devices(groups.instance.folder()))))
    std::erase(privileges.capabilities, "MKNOD");
  TRY(there(guards.guard_settings(groups.instance.folder(), share)));
  return {};
}

// Nothing of the host lies below its environment.
bool has_own_root(const HarnessConfig& config) {
  return string_at(config.environment, "base") == "own";
}

struct InitParts {
  InitSetup setup;
  Channel ours;
};

Result<InitParts> prepare_init(HarnessConfig& config, const InstancePlaces& places,
                               const InstanceGroups& groups, Prepared& prepared,
                               const FormerLife* former = nullptr) {
  InstanceNetwork& network = prepared.network;
  auto [ours, theirs] = TRY(Channel::make_pair());
  InitParts parts;
  FileWorld& files = parts.setup.files;
  files.share = TRY(Share::from_names(config.share));
  files.root = places.root();
  files.layers = places.layers();
  files.frozen = config.frozen;
  files.info = places.info();
  files.hidden = {node_folder(places.state), node_folder(places.run)};
  files.environment = config.layers;
  files.own_root = has_own_root(config);
  files.is_clone = config.event == "clone";
  if (config.boot_id.empty()) config.boot_id = new_boot_id();
  if (!files.share.fs) TRY(write_own_boot_id(places, config));
  if (config.root != 0) {
    files.users = TRY(OwnUsers::make(config.root, files.share));
    if (files.users.network) TRY(network.replace(files.users.network.get()));
  }
  TRY(apply_rules(config, files, former));
  TRY(parts.setup.files.share.net ? network.leave() : network.enter(config));
  network.watch_settings(groups.instance.folder());
  parts.setup.host_name = config.hostname.empty() ? config.aid : config.hostname;
  parts.setup.control = std::move(theirs);
  parts.setup.listener = TRY(listen_for_successor(places));
  parts.setup.freeze_control =
      TRY(open_file(groups.application.path() + "/cgroup.freeze", O_WRONLY));
  parts.setup.application_group = TRY(open_file(groups.application.path(), O_RDONLY | O_DIRECTORY));
  parts.setup.visitor_group = TRY(open_file(groups.visitors.path(), O_RDONLY | O_DIRECTORY));
  parts.setup.limited_groups = TRY(groups.limited.entries());
  parts.setup.allow_io_uring = config.allow_io_uring;
  parts.setup.privileges = config.privileges;
  parts.setup.files.privileged = config.privileges.all;
  if (!config.privileges.all)
    TRY(keep_from_machine(prepared.guards, groups, parts.setup.files.share,
                          parts.setup.privileges));
  parts.ours = std::move(ours);
  return parts;
}

// What a harness that takes over must know and nobody else remembers.
Result<> remember(const InstancePlaces& places, const StartedInstance& started) {
  Json document = harness_config_to_json(started.config);
  document["init_pid"] = started.init_pid.value;
  document["root_pid"] = started.root_pid;
  document["terminal_index"] = started.terminal_index;
  return write_file(places.memory(), json_text(document), O_CREAT | O_TRUNC);
}

Result<> make_nonblocking(const Session::Ends& ends) {
  for (const UniqueFd* fd : {&ends.input, &ends.output, &ends.error}) {
    if (!*fd) continue;
    TRY_SYS(::fcntl(fd->get(), F_SETFL, ::fcntl(fd->get(), F_GETFL) | O_NONBLOCK));
  }
  return {};
}

// Init keeps our ends too: if we die, the application must find them open.
Result<> entrust(InitLink& init, const Session::Ends& ends) {
  std::vector<std::string> names;
  std::vector<int> fds;
  if (ends.input) names.push_back("stdin"), fds.push_back(ends.input.get());
  if (ends.output && !ends.tty) names.push_back("stdout"), fds.push_back(ends.output.get());
  if (ends.error) names.push_back("stderr"), fds.push_back(ends.error.get());
  if (names.empty()) return {};
  TRY(init.ask({{"op", init_op::kKeep}, {"names", names}}, fds));
  return {};
}

// The same for an init that is yet to be: the restored program may end before anyone could ask.
Result<KeptDescriptors> copies_to_keep(const Session::Ends& ends) {
  KeptDescriptors kept;
  struct Named {
    const char* name;
    const UniqueFd& fd;
  };
  for (const Named& end :
       {Named{"stdin", ends.input}, Named{"stdout", ends.output}, Named{"stderr", ends.error}})
    if (end.fd) kept[end.name] = UniqueFd(TRY_SYS(::fcntl(end.fd.get(), F_DUPFD_CLOEXEC, 3)));
  return kept;
}

// In the host's network: by the table of that snapshot of that daemon.
struct HeldBy {
  std::string node, snapshot;
};

Result<> let_in(InstanceNetwork& network, const std::optional<HeldBy>& held) {
  if (held) TRY(HeldConnections(held->node).let_go_of_snapshot(held->snapshot));
  return network.plug();
}

MemoryWish memory_wish(const HarnessConfig& config) {
  return config.memory == "lazy"    ? MemoryWish::lazy
         : config.memory == "eager" ? MemoryWish::eager
                                    : MemoryWish::automatic;
}

Result<EndOfInstance> end_of_instance(const InstancePlaces& places, const InstanceGroups& groups,
                                      HostPid init) {
  EndOfInstance end;
  end.init = TRY(Pidfd::open(init)).release();
  end.kill = TRY(open_file(groups.instance.path() + "/cgroup.kill", O_WRONLY));
  end.folder = TRY(open_file(places.state, O_RDONLY | O_DIRECTORY));
  return end;
}

Result<std::pair<UniqueFd, UniqueFd>> make_pipe() {
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<StreamPair> make_pipes(bool stdin_open) {
  StreamPair pair;
  if (stdin_open) {
    auto [read, write] = TRY(make_pipe());
    pair.theirs[0] = std::move(read);
    pair.ours.input = std::move(write);
  } else {
    pair.theirs[0] = TRY(open_file("/dev/null", O_RDONLY));
  }
  for (int i : {1, 2}) {
    auto [read, write] = TRY(make_pipe());
    pair.theirs[static_cast<size_t>(i)] = std::move(write);
    (i == 1 ? pair.ours.output : pair.ours.error) = std::move(read);
  }
  return pair;
}

}  // namespace

Result<StreamPair> make_streams(InitLink& init, bool tty, bool stdin_open, bool keep) {
  if (!tty) return make_pipes(stdin_open);
  StreamPair pair;
  Packet answer = TRY(init.ask({{"op", init_op::kTerminal}, {"keep", keep}}));
  if (answer.fds.size() != 1) return Error(ErrorClass::other, "init made no terminal");
  pair.ours.tty = true;
  pair.ours.output = std::move(answer.fds[0]);
  pair.terminal_index = static_cast<int>(int_at(answer.document, "index"));
  // Not with O_CLOEXEC: this call, unlike open, leaves the flag on the description, and /proc then
  // shows every copy as close-on-exec.
  UniqueFd slave(TRY_SYS(::ioctl(pair.ours.output.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY)));
  TRY_SYS(::fcntl(slave.get(), F_SETFD, FD_CLOEXEC));
  for (UniqueFd& stream : pair.theirs)
    stream = UniqueFd(TRY_SYS(::fcntl(slave.get(), F_DUPFD_CLOEXEC, 3)));
  return pair;
}

Result<pid_t> start_program(InitLink& init, const ProgramStart& program,
                            std::array<UniqueFd, 3> streams) {
  int fds[] = {streams[0].get(), streams[1].get(), streams[2].get()};
  Packet answer = TRY(init.ask({{"op", init_op::kSpawn},
                                {"argv", program.argv},
                                {"env", program.env},
                                {"cwd", program.cwd},
                                {"user", program.user},
                                {"tty", program.tty},
                                {"visitor", program.visitor}},
                               fds));
  return static_cast<pid_t>(int_at(answer.document, "pid"));
}

Result<StartedInstance> launch(const HarnessConfig& config, const InstancePlaces& places,
                               const InstanceGroups& groups, Prepared& prepared) {
  StartedInstance started;
  started.config = config;
  InitParts parts = TRY(prepare_init(started.config, places, groups, prepared));
  Share share = parts.setup.files.share;
  if (!share.time) TRY(enter_time_namespace_for_children(clocks_now()));
  pid_t pid = TRY(
      fork_child({.flags = parts.setup.files.namespaces(), .cgroup = groups.instance.folder()}));
  if (pid == 0) {
    if (!die_with_parent(0)) ::_exit(1);
    run_init(std::move(parts.setup));
  }
  parts.setup = InitSetup{};
  std::optional<Packet> ready = TRY(parts.ours.receive(Deadline::in(kInitStartMax)));
  if (!ready) return Error(ErrorClass::gone, "the instance's init has died");
  if (string_at(ready->document, "event") != "ready")
    return error_from_json(field(ready->document, "error"));
  TRY(groups.limited.impose());
  TRY(prepared.network.plug());

  started.init = InitLink(std::move(parts.ours));
  started.init_pid = HostPid{pid};
  StreamPair streams = TRY(make_streams(started.init, config.tty, config.stdin_open, true));
  TRY(make_nonblocking(streams.ours));
  TRY(entrust(started.init, streams.ours));
  started.ends = std::move(streams.ours);
  started.terminal_index = streams.terminal_index;
  started.program_streams = std::move(streams.theirs);
  if (!config.hold_start) TRY(start_launched_program(started, places));
  return started;
}

Result<> start_launched_program(StartedInstance& instance, const InstancePlaces& places) {
  const HarnessConfig& config = instance.config;
  // A program may end before anyone could say so: from here on init answers for the instance, and
  // we end it if the program cannot be started. Held until now, it would have died with us.
  TRY(instance.init.ask({{"op", init_op::kCommit}}));
  instance.root_pid =
      TRY(start_program(instance.init,
                        {config.argv, merged_environment(config.env, config.rule_env), config.cwd,
                         config.user, config.tty, false},
                        std::exchange(instance.program_streams, {})));
  return remember(places, instance);
}

Result<StartedInstance> restore_instance(const HarnessConfig& config, const InstancePlaces& places,
                                         const InstanceGroups& groups, Prepared& prepared,
                                         const std::function<void(const Json& event)>& tell) {
  InstanceNetwork& network = prepared.network;
  Seed* seed = prepared.seed;
  std::optional<OpenedImage> opened;
  if (seed == nullptr) opened.emplace(TRY(OpenedImage::open(config.image)));
  const OpenedImage& image = seed == nullptr ? *opened : seed->image();
  StartedInstance started;
  Json options = TRY(parse_json(image.manifest.options));
  started.config = TRY(harness_config_from_json(options));
  HarnessConfig& merged = started.config;
  const FormerLife former{image.manifest, merged};
  merged.mode = config.mode;
  merged.aid = config.aid;
  merged.state_dir = config.state_dir;
  merged.run_dir = config.run_dir;
  merged.image = config.image;
  merged.image_goes = config.image_goes;
  merged.event = config.event;
  merged.generation = config.generation;
  merged.share = image.manifest.share;
  merged.limits = config.limits;
  merged.privileges = config.privileges;
  merged.layers = config.layers;
  const LowerView lower{config.layers, !has_own_root(merged)};
  merged.frozen = TRY(lay_out_frozen_files(image, config.frozen, lower));
  merged.template_name = config.template_name;
  merged.set_env = config.set_env;
  merged.env = merged_environment(merged.env, config.set_env);
  if (merged.event == "clone") merged.boot_id.clear();
  merged.node = config.node;
  merged.address = config.address;
  merged.address_v6 = config.address_v6;
  merged.inner_address = config.inner_address;
  merged.node_address = config.node_address;
  merged.node_address_v6 = config.node_address_v6;
  merged.name_server = config.name_server;
  merged.ports = config.ports;
  merged.keep_connections = config.keep_connections;
  TRY(refuse_more_memory_than(merged.limits.memory_bytes, image.manifest));
  TRY(put_layers_aside(places));
  if (merged.frozen.empty())
    TRY(layers::restore_layers(image.manifest, image.pages, places.layers(), lower));
  TRY(fault_point("restore.layers"));

  InitParts parts = TRY(prepare_init(merged, places, groups, prepared, &former));
  std::optional<HeldBy> held_by;
  if (parts.setup.files.share.net && merged.keep_connections)
    held_by = HeldBy{node_folder(places.state), image.manifest.id};
  RestoreRequest request{image,
                         groups.application,
                         {},
                         std::move(parts.setup),
                         std::move(parts.ours),
                         {},
                         tell,
                         merged.keep_connections,
                         [&] { return network.translate(); },
                         [&]() -> Result<> {
                           TRY(groups.limited.impose());
                           TRY(let_in(network, held_by));
                           return announce_info(places, merged);
                         }};
  InitLink before;  // what init tells while hooks are run
  request.before_it_runs = [&](Channel& control, HostPid init) {
    before = InitLink(std::move(control));
    const char* name = config.event == "clone" ? hook::kAfterClone : hook::kAfterRestore;
    const std::string root = "/proc/" + std::to_string(init.value) + "/root";
    if (auto outcome = run_hook(name, before, merged, root)) tell(hook_event(*outcome));
    control = before.release();
  };
  request.memory = memory_wish(config);
  request.is_clone = config.event == "clone";
  request.seed = seed;
  request.image_folder = config.image;
  request.end = [&](HostPid init) { return end_of_instance(places, groups, init); };
  if (!merged.tty) {
    StreamPair streams = TRY(make_pipes(merged.stdin_open));
    request.streams["stdin"] = std::move(streams.theirs[0]);
    request.streams["stdout"] = std::move(streams.theirs[1]);
    request.streams["stderr"] = std::move(streams.theirs[2]);
    started.ends = std::move(streams.ours);
    request.kept = TRY(copies_to_keep(started.ends));
  }
  RestoredInstance restored = TRY(restore(std::move(request)));
  started.init = InitLink(std::move(restored.control));
  started.init.tell_again(before);
  started.init_pid = restored.init;
  started.root_pid = static_cast<pid_t>(int_at(options, "root_pid"));
  if (merged.tty) {
    started.ends.tty = true;
    started.ends.output = std::move(restored.terminal);
    started.terminal_index = restored.terminal_index;
  }
  TRY(make_nonblocking(started.ends));
  started.pager = std::move(restored.pager);
  TRY(remember(places, started));
  return started;
}

Result<StartedInstance> adopt(const HarnessConfig& config, const InstancePlaces& places) {
  Json known = TRY(parse_json(TRY(read_file(places.memory()))));
  StartedInstance started;
  started.config = TRY(harness_config_from_json(known));
  started.config.mode = config.mode;
  started.init_pid = HostPid{static_cast<pid_t>(int_at(known, "init_pid"))};
  started.root_pid = static_cast<pid_t>(int_at(known, "root_pid"));
  started.terminal_index = static_cast<int>(int_at(known, "terminal_index", -1));
  started.init = InitLink(TRY(Channel::connect(places.init_socket())));
  Packet kept = TRY(started.init.ask({{"op", init_op::kFetch}}));
  std::vector<std::string> names = strings_at(kept.document, "names");
  UniqueFd pager, pager_page;
  for (size_t i = 0; i < names.size() && i < kept.fds.size(); ++i) {
    if (names[i] == "stdin") started.ends.input = std::move(kept.fds[i]);
    if (names[i] == "stdout") started.ends.output = std::move(kept.fds[i]);
    if (names[i] == "stderr") started.ends.error = std::move(kept.fds[i]);
    if (names[i] == "terminal") {
      started.ends.output = std::move(kept.fds[i]);
      started.ends.tty = true;
    }
    if (names[i] == init_kept::kPager) pager = std::move(kept.fds[i]);
    if (names[i] == init_kept::kPagerPage) pager_page = std::move(kept.fds[i]);
  }
  if (pager && pager_page)
    started.pager = TRY(Pager::adopt(std::move(pager), std::move(pager_page)));
  return started;
}

}  // namespace appshot
