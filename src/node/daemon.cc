#include "node/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/deadline.h"
#include "node/lifecycle.h"
#include "node/log.h"
#include "node/recovery.h"
#include "node/routes.h"
#include "os/file.h"
#include "protocol/unix_address.h"
#include "registry/sqlite/sqlite_registry.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kLastBreath{30};
constexpr int kLookMs = 10;

bool is_served(const std::string& socket_path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return socket && connect_unix(socket.get(), socket_path);
}

// Whoever holds it is the daemon of this root; the kernel lets go of it when the process dies. One
// that has been told to stop, or was killed, holds it until the disk is done, or until a harness
// that it was just starting has begun; one that has only just begun will serve in a moment.
Result<UniqueFd> lock_root(const std::string& path, const std::string& socket_path) {
  UniqueFd lock = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  const Deadline deadline = Deadline::in(kLastBreath);
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(errno, "flock " + path);
    if (is_served(socket_path) || deadline.passed()) {
      const std::string pid = read_file(path).value_or("");
      return Error(ErrorClass::conflict,
                   "a daemon serves this root already" + (pid.empty() ? "" : " (pid " + pid + ")"))
          .hint("appshot daemon stop ends it");
    }
    ::poll(nullptr, 0, kLookMs);
  }
  TRY_SYS(::ftruncate(lock.get(), 0));
  const std::string mine = std::to_string(::getpid());
  TRY_SYS(::pwrite(lock.get(), mine.data(), mine.size(), 0));
  return lock;
}

Result<UniqueFd> listen_at(const std::string& path) {
  UniqueFd socket(TRY_SYS(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  ::unlink(path.c_str());  // of a daemon that was killed: the lock says there is no other
  TRY_SYS(::fchmod(socket.get(), 0600));
  TRY(bind_unix(socket.get(), path));
  TRY_SYS(::listen(socket.get(), 128));
  return socket;
}

// The signals that the main loop reads; blocked before any thread starts.
Result<UniqueFd> signals_as_file() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&set, signal);
  TRY_SYS(::sigprocmask(SIG_BLOCK, &set, nullptr));
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  return UniqueFd(TRY_SYS(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)));
}

void reap_harnesses() {
  int status;
  while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) return;
    if (status != 0)
      log_warning("harness " + std::to_string(pid) + ": " + describe_wait_status(status));
  }
}

// False: told to stop.
bool read_signals(int signals) {
  signalfd_siginfo info;
  bool go_on = true;
  while (::read(signals, &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) {
      reap_harnesses();
    } else {
      go_on = false;
    }
  }
  return go_on;
}

// Connections of their own thread each; the daemon's end does not wait for them.
void accept_all(int listener, const Router& router, Metrics& metrics) {
  for (;;) {
    UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    std::thread([fd = connection.release(), &router, &metrics] {
      serve_http(UniqueFd(fd), [&](HttpExchange& exchange) {
        metrics.requests++;
        router.handle(exchange);
      });
    }).detach();
  }
}

void serve(int listener, int signals, int stop, const Router& router, Metrics& metrics) {
  for (;;) {
    pollfd entries[] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(entries, 3, -1) < 0 && errno != EINTR) return;
    if (entries[2].revents != 0) return;
    if (entries[1].revents != 0 && !read_signals(signals)) return;
    if (entries[0].revents != 0) accept_all(listener, router, metrics);
  }
}

void notify(int fd, std::string_view text) {
  if (fd < 0) return;
  (void)write_all(fd, {text.data(), text.size()});
  ::close(fd);
}

}  // namespace

Result<> run_daemon(const DaemonOptions& options, const NodeConfig& config, ImageStore& images,
                    MachineProbe probe) {
  Paths paths = TRY(Paths::from_environment());
  TRY(make_folders(paths.state_dir, 0700));
  TRY(make_folders(paths.run_dir, 0700));
  UniqueFd lock = TRY(lock_root(paths.daemon_lock(), paths.socket()));
  UniqueFd signals = TRY(signals_as_file());
  UniqueFd stop(TRY_SYS(::eventfd(0, EFD_CLOEXEC)));
  std::unique_ptr<Registry> registry =
      TRY(open_sqlite_registry(paths.registry(), config.events_max));
  Node node(config, paths, *registry, images, std::move(probe));
  std::unique_ptr<Reactor> reactor = TRY(Reactor::start());
  Lifecycle lifecycle(node, *reactor);
  Environments environments(node, lifecycle);
  Instances instances(node, lifecycle, environments);
  Snapshots snapshots(node, lifecycle, environments);
  Templates templates(node, lifecycle, snapshots);
  Clones clones(node, lifecycle, instances, snapshots, templates);
  Services services{node, instances, snapshots, templates, clones, environments, [&] {
                      ::eventfd_write(stop.get(), 1);
                    }};
  Router router;
  add_all_routes(router, services);

  // Instances can do without.
  if (Result<> begun = node.endpoints.begin(); !begun) log_warning(begun.error().message());

  // Before the first request, so that nobody sees a state that is not true any more.
  TRY(recover(node, lifecycle, snapshots));
  TRY(environments.settle());
  TRY(templates.settle());
  TRY(clones.settle());
  UniqueFd listener = TRY(listen_at(paths.socket()));
  log_info("serving " + paths.socket());
  lifecycle.prepare_spare_harness();
  notify(options.notify_fd, "ready\n");
  serve(listener.get(), signals.get(), stop.get(), router, node.metrics);

  node.endpoints.finish();
  log_info("stopped");
  ::unlink(paths.socket().c_str());
  // Connection threads still use what is on this stack: the process ends here, as if killed, which
  // everything must stand anyway.
  ::_exit(0);
}

}  // namespace appshot
