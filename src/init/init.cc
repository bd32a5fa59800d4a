#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>
#include <utility>

#include "init/host_keys.h"
#include "init/spawn.h"
#include "os/child.h"
#include "os/file.h"
#include "protocol/error_json.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

constexpr int kWaitForever = -1;

class Init {
 public:
  explicit Init(InitSetup setup) : setup_(std::move(setup)) {}

  Result<> prepare() {
    for (const UniqueFd& group : setup_.limited_groups) TRY(write_all(group.get(), {"0", 1}));
    setup_.limited_groups.clear();
    TRY(setup_.files.users.enter_around());
    TRY(close_others(setup_.populate_uses));
    TRY_SYS(::prctl(PR_SET_NAME, "appshot-init", 0, 0, 0));
    // Nobody inside may look into or trace process 1.
    TRY_SYS(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    TRY_SYS(::unshare(CLONE_NEWCGROUP));
    const Share& share = setup_.files.share;
    if (!share.uts && !setup_.host_name.empty())
      TRY_SYS(::sethostname(setup_.host_name.c_str(), setup_.host_name.size()));
    if (!share.uts && !setup_.domain_name.empty())
      TRY_SYS(::setdomainname(setup_.domain_name.c_str(), setup_.domain_name.size()));
    const std::vector<HostKey> lost_keys = TRY(enter_file_world(setup_.files));
    TRY(keep_mounts());

    sigset_t all;
    sigfillset(&all);
    TRY_SYS(::sigprocmask(SIG_SETMASK, &all, nullptr));
    signals_ = UniqueFd(TRY_SYS(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)));
    if (!lost_keys.empty()) TRY(make_keys(lost_keys).within("the clone's host keys"));
    if (!setup_.populate) return {};
    TRY(setup_.populate(kept_, [this](const Json& event) { tell(event); }));
    return close_others({});
  }

  void report(const Result<>& prepared) {
    Json message = prepared ? make_event("ready")
                            : make_event("failed", {{"error", error_to_json(prepared.error())}});
    (void)!setup_.control.send(message);
  }

  [[noreturn]] void serve() {
    for (;;) {
      pollfd waiting[3] = {{signals_.get(), POLLIN, 0},
                           {setup_.control.fd(), POLLIN, 0},
                           {setup_.control ? -1 : setup_.listener.get(), POLLIN, 0}};
      if (::poll(waiting, 3, kWaitForever) < 0 && errno != EINTR) ::_exit(1);
      if (waiting[0].revents != 0) take_signals();
      if (waiting[1].revents != 0) take_request();
      if (waiting[2].revents != 0) take_successor();
    }
  }

 private:
  // Against which a snapshot tells what the application has mounted since.
  Result<> keep_mounts() {
    UniqueFd memory(TRY_SYS(::memfd_create("mounts", MFD_CLOEXEC)));
    TRY(write_all(memory.get(), TRY(read_file("/proc/self/mountinfo"))));
    kept_[kKeptMounts] = std::move(memory);
    return {};
  }

  Result<> make_keys(const std::vector<HostKey>& keys) {
    const int missing = TRY(make_host_keys(keys, [this]() -> Result<SpawnRequest> {
      SpawnRequest program;
      as_configured(program);
      program.cgroup = setup_.visitor_group.get();
      return program;
    }));
    if (missing != 0) tell(make_event("lost", {{"host_keys", missing}}));
    return {};
  }

  void as_configured(SpawnRequest& program) const {
    program.allow_io_uring = setup_.allow_io_uring;
    program.privileges = setup_.privileges;
    program.users = &setup_.files.users;
  }

  // What is the harness's must end with it: that is how everyone learns of its death, we too.
  Result<> close_others(std::vector<int> kept) {
    for (const UniqueFd* fd : {&setup_.listener, &setup_.freeze_control, &setup_.application_group,
                               &setup_.visitor_group, &signals_})
      kept.push_back(fd->get());
    kept.push_back(setup_.control.fd());
    kept.push_back(setup_.files.users.space.get());
    for (const auto& held : kept_) kept.push_back(held.second.get());
    return close_descriptors_except(std::move(kept));
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      // Asked from inside to end (`kill 1`): as on any machine, everyone is asked to.
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) ::kill(-1, SIGTERM);
    }
    reap();
  }

  void reap() {
    for (;;) {
      int status = 0;
      pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == ECHILD) {
        tell(make_event("empty"));
        // A later harness must still be able to learn how it ended; exit tells by itself.
        if (started_) ::_exit(0);
        return;
      }
      if (pid <= 0) return;
      bool visitor = visitors_.erase(pid) > 0;
      tell(make_event("ended", {{"pid", pid}, {"status", status}, {"visitor", visitor}}));
    }
  }

  void tell(const Json& message) {
    if (setup_.control) (void)!setup_.control.send(message);
  }

  void take_request() {
    Result<std::optional<Packet>> packet =
        setup_.control.receive(Deadline::in(std::chrono::seconds(0)));
    if (!packet || !*packet) return lose_harness();
    Packet request = std::move(**packet);
    std::vector<int> fds;
    Json answer = handle(request, fds);
    (void)!setup_.control.send(answer, fds);
    sent_.reset();
  }

  // The application must not stay frozen because the one who froze it is gone.
  void lose_harness() {
    setup_.control = Channel();
    (void)!::write(setup_.freeze_control.get(), "0", 1);
    // Nor those of it that stand aside (trace/side_group).
    Result<UniqueFd> aside =
        open_at(setup_.application_group.get(), "../traced/cgroup.freeze", O_WRONLY);
    if (aside) (void)!::write(aside->get(), "0", 1);
  }

  void take_successor() {
    UniqueFd socket(::accept4(setup_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    setup_.control = Channel(std::move(socket));
  }

  Json handle(Packet& request, std::vector<int>& fds) {
    std::string op = string_at(request.document, "op");
    Result<Json> result =
        op == init_op::kSpawn      ? spawn(request)
        : op == init_op::kTerminal ? terminal(request, fds)
        : op == init_op::kKeep     ? keep(request)
        : op == init_op::kForget   ? forget(request)
        : op == init_op::kFetch    ? fetch(fds)
        : op == init_op::kCommit   ? commit()
        : op == init_op::kSignal
            ? signal(request)
            : Result<Json>(Error(ErrorClass::usage, "init does not know '" + op + "'"));
    if (!result) return {{"error", error_to_json(result.error())}, {"errno", result.error().err()}};
    result->emplace("ok", true);
    return *std::move(result);
  }

  Result<Json> spawn(Packet& request) {
    const Json& args = request.document;
    SpawnRequest program;
    program.argv = strings_at(args, "argv");
    program.env = strings_at(args, "env");
    program.cwd = string_at(args, "cwd", "/");
    program.user = string_at(args, "user");
    program.tty = bool_at(args, "tty");
    as_configured(program);
    program.pid = static_cast<pid_t>(int_at(args, "pid"));
    bool visitor = bool_at(args, "visitor");
    program.cgroup = visitor ? setup_.visitor_group.get() : setup_.application_group.get();
    if (program.argv.empty()) return Error(ErrorClass::usage, "no program was given");
    if (request.fds.size() > 3) return Error(ErrorClass::usage, "too many streams");
    for (size_t i = 0; i < request.fds.size(); ++i) program.streams[i] = std::move(request.fds[i]);
    pid_t pid = TRY(spawn_program(std::move(program)));
    if (visitor) visitors_.insert(pid);
    started_ |= !visitor;
    return Json{{"pid", pid}};
  }

  // The slave is had from the master (TIOCGPTPEER), so nobody needs its path.
  Result<Json> terminal(Packet& request, std::vector<int>& fds) {
    UniqueFd master = TRY(open_file("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
    int unlocked = 0, index = 0;
    TRY_SYS(::ioctl(master.get(), TIOCSPTLCK, &unlocked));
    TRY_SYS(::ioctl(master.get(), TIOCGPTN, &index));
    fds.push_back(master.get());
    UniqueFd& place = bool_at(request.document, "keep") ? kept_["terminal"] : sent_;
    place = std::move(master);
    return Json{{"index", index}};
  }

  Result<Json> keep(Packet& request) {
    std::vector<std::string> names = strings_at(request.document, "names");
    if (names.size() != request.fds.size())
      return Error(ErrorClass::usage, "one name a descriptor");
    for (size_t i = 0; i < names.size(); ++i) kept_[names[i]] = std::move(request.fds[i]);
    return Json::object();
  }

  Result<Json> forget(const Packet& request) {
    for (const std::string& name : strings_at(request.document, "names")) kept_.erase(name);
    return Json::object();
  }

  Result<Json> fetch(std::vector<int>& fds) {
    Json names = Json::array();
    for (const auto& [name, fd] : kept_) {
      names.push_back(name);
      fds.push_back(fd.get());
    }
    return Json{{"names", names}};
  }

  Result<Json> commit() {
    TRY_SYS(::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    started_ |= static_cast<bool>(setup_.populate);  // a restore has its processes already
    return Json::object();
  }

  Result<Json> signal(Packet& request) {
    auto pid = static_cast<pid_t>(int_at(request.document, "pid"));
    auto number = static_cast<int>(int_at(request.document, "signal"));
    if (::kill(pid, number) != 0)
      return Error::from_errno(errno, "signal to process " + std::to_string(pid));
    return Json::object();
  }

  InitSetup setup_;
  UniqueFd signals_;
  KeptDescriptors kept_;
  std::set<pid_t> visitors_;
  UniqueFd sent_;  // open until it is on its way
  bool started_ = false;
};

}  // namespace

void run_init(InitSetup setup) {
  Init init(std::move(setup));
  Result<> prepared = init.prepare();
  init.report(prepared);
  if (!prepared) ::_exit(1);
  init.serve();
}

}  // namespace appshot
