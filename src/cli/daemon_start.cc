#include "cli/daemon_start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/deadline.h"
#include "os/unique_fd.h"
#include "protocol/unix_address.h"

extern char** environ;

namespace appshot {
namespace {

constexpr std::chrono::seconds kStartWait{60};
constexpr int kNotifyFd = 3;

Result<> make_private_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), slash == std::string::npos ? 0700 : 0755) != 0 && errno != EEXIST)
      return Error::from_errno(errno, "mkdir " + part);
    if (slash == std::string::npos) return {};
  }
}

bool answers(const Paths& paths) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket && connect_unix(socket.get(), paths.socket());
}

// In a session of its own, so that no signal of this terminal reaches it; what it writes goes to
// its log. The write end of the pipe is the only descriptor of ours that it gets.
Result<> spawn_daemon(const std::string& program, const Paths& paths, int notify) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, paths.daemon_log().c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, notify, kNotifyFd);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kNotifyFd + 1);
  ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  std::string notify_fd = std::to_string(kNotifyFd);
  const char* argv[] = {"appshotd", "--notify-fd", notify_fd.c_str(), nullptr};
  pid_t pid;
  int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes,
                             const_cast<char* const*>(argv), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    return Error::from_errno(failed, "posix_spawn " + program)
        .as(ErrorClass::other)
        .hint("appshotd belongs beside appshot; APPSHOT_DAEMON names another");
  return {};
}

// What the daemon says: "ready", or why not.
Result<std::string> hear(int pipe) {
  Deadline deadline = Deadline::in(kStartWait);
  std::string said;
  while (!said.ends_with("ready\n")) {
    pollfd entry{pipe, POLLIN, 0};
    int ready = ::poll(&entry, 1, deadline.left_ms());
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Error::from_errno(errno, "poll");
    if (ready == 0) return Error(ErrorClass::timeout, "it does not become ready");
    std::array<char, 4096> bytes;
    ssize_t got = TRY_SYS(::read(pipe, bytes.data(), bytes.size()));
    if (got == 0) return said;
    said.append(bytes.data(), static_cast<size_t>(got));
  }
  return said;
}

}  // namespace

Result<std::string> daemon_program() {
  if (const char* named = std::getenv("APPSHOT_DAEMON")) return std::string(named);
  std::array<char, 4096> self;
  ssize_t length = TRY_SYS(::readlink("/proc/self/exe", self.data(), self.size()));
  std::string path(self.data(), static_cast<size_t>(length));
  return path.substr(0, path.find_last_of('/') + 1) + "appshotd";
}

Result<> start_daemon(const Paths& paths) {
  TRY(make_private_folders(paths.run_dir));
  TRY(make_private_folders(paths.state_dir));
  UniqueFd lock(::open(paths.start_lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return Error::from_errno(errno, "open " + paths.start_lock());
  TRY_SYS(::flock(lock.get(), LOCK_EX));
  if (answers(paths)) return {};  // somebody else has started it meanwhile

  std::string program = TRY(daemon_program());
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(TRY_SYS(::fcntl(ends[1], F_DUPFD_CLOEXEC, kNotifyFd + 7)));
  ::close(ends[1]);
  TRY(spawn_daemon(program, paths, write_end.get()));
  write_end.reset();
  std::string said = TRY(hear(read_end.get()));
  if (said.ends_with("ready\n")) return {};
  if (said.empty()) said = "it ended without a word";
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return Error(ErrorClass::other, said).hint("its log is " + paths.daemon_log());
}

}  // namespace appshot
