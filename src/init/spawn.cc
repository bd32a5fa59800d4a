#include "init/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "isolation/capabilities.h"
#include "isolation/denied_calls.h"
#include "isolation/user.h"
#include "os/child.h"
#include "os/file.h"

namespace appshot {
namespace {

void default_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> take_streams(SpawnRequest& request) {
  // First out of the way of each other, then into place.
  for (UniqueFd& stream : request.streams)
    if (stream && stream.get() < 3)
      stream.reset(TRY_SYS(::fcntl(stream.release(), F_DUPFD_CLOEXEC, 3)));
  for (int i = 0; i < 3; ++i)
    if (request.streams[i]) TRY_SYS(::dup2(request.streams[i].get(), i));
  return {};
}

// Who becomes another can still open its streams by their names (/dev/stdout).
Result<> own_streams(uid_t user, gid_t group) {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) continue;
    if (S_ISFIFO(info.st_mode)) TRY_SYS(::fchown(fd, user, group));
    if (S_ISCHR(info.st_mode) && ::isatty(fd) == 1)  // its group are the terminals'
      TRY_SYS(::fchown(fd, user, static_cast<gid_t>(-1)));
  }
  return {};
}

Result<> become_root_inside(const OwnUsers& users) {
  TRY(own_streams(users.root, users.root));
  return users.enter();
}

Result<> become_named(const std::string& name) {
  const User user = TRY(resolve_user(name));
  TRY(own_streams(user.uid, user.gid));
  return become_user(user);
}

Result<std::vector<std::string>> candidates(const SpawnRequest& request) {
  const std::string& name = request.argv.front();
  if (name.find('/') != std::string::npos) return std::vector<std::string>{name};
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const std::string& entry : request.env)
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  std::vector<std::string> all;
  for (size_t at = 0; at <= path.size();) {
    size_t end = std::min(path.find(':', at), path.size());
    std::string folder = path.substr(at, end - at);
    all.push_back((folder.empty() ? "." : folder) + "/" + name);
    at = end + 1;
  }
  return all;
}

// A program that is there to give more to who runs it: of another user or group, or with
// capabilities of its own. Whoever launches it means that.
bool gives_more(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  return (info.st_mode & (S_ISUID | S_ISGID)) != 0 ||
         ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

Result<> run_program(const SpawnRequest& request) {
  std::vector<char*> argv, env;
  for (const std::string& arg : request.argv) argv.push_back(const_cast<char*>(arg.c_str()));
  for (const std::string& entry : request.env) env.push_back(const_cast<char*>(entry.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);
  int found = ENOENT;
  for (const std::string& path : TRY(candidates(request))) {
    // From there on nothing that is run gives more than who runs it has.
    if (!request.privileges.all && !request.privileges.setuid && !gives_more(path))
      TRY_SYS(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    ::execve(path.c_str(), argv.data(), env.data());
    if (errno != ENOENT && errno != ENOTDIR) found = errno;
    if (errno == ENOEXEC) {
      // As a shell does with a script that does not name its interpreter.
      std::vector<char*> shell{const_cast<char*>("/bin/sh"), const_cast<char*>(path.c_str())};
      shell.insert(shell.end(), argv.begin() + 1, argv.end());
      ::execve("/bin/sh", shell.data(), env.data());
    }
  }
  return Error::from_errno(found, request.argv.front());
}

Result<> become(SpawnRequest& request) {
  TRY_SYS(::setsid());
  TRY(take_streams(request));
  if (request.tty) TRY_SYS(::ioctl(0, TIOCSCTTY, 0));
  ::umask(022);
  if (*request.users) TRY(become_root_inside(*request.users));
  const Privileges& privileges = request.privileges;
  const CapabilitySet kept = capabilities_named(privileges.capabilities);
  TRY(deny_calls({request.allow_io_uring, privileges.all, kept}));
  if (!privileges.all) TRY(bound_capabilities(kept));
  if (!request.user.empty()) TRY(become_named(request.user));
  if (!privileges.all) TRY(reduce_capabilities(kept));
  if (::chdir(request.cwd.c_str()) != 0)
    return Error::from_errno(errno, "working directory " + request.cwd);
  default_signals();
  (void)!::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  return run_program(request);
}

}  // namespace

Result<pid_t> spawn_program(SpawnRequest request) {
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  UniqueFd told(ends[0]), tell(ends[1]);
  pid_t pid = TRY(fork_child({.pid = request.pid, .cgroup = request.cgroup}));
  if (pid == 0) {
    Result<> failed = become(request);
    std::string text = std::to_string(failed.error().err()) + " " + failed.error().message();
    (void)!::write(tell.get(), text.data(), text.size());
    ::_exit(127);
  }
  tell.reset();
  std::string failure = TRY(read_whole(told.get()));
  if (failure.empty()) return pid;  // the pipe was closed by a successful exec
  ::waitpid(pid, nullptr, 0);
  int err = std::atoi(failure.c_str());
  std::string message = failure.substr(failure.find(' ') + 1);
  return Error(classify_errno(err), message).with_errno(err);
}

}  // namespace appshot
