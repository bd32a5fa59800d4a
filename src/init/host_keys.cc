#include "init/host_keys.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "os/file.h"
#include "os/pidfd.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kMakingMax{20};

std::vector<std::string> maker_of(const HostKey& key) {
  std::vector<std::string> words{"ssh-keygen", "-q", "-N",     "",   "-t",
                                 key.type,     "-f", key.path, "-C", key.comment};
  if (key.bits != 0) words.insert(words.end(), {"-b", std::to_string(key.bits)});
  return words;
}

// One that is not ready in time is ended.
Result<bool> has_succeeded(pid_t pid, Deadline deadline) {
  const Pidfd process = TRY(Pidfd::open(HostPid{pid}));  // to init, which is inside as well
  pollfd ended{process.fd(), POLLIN, 0};
  if (::poll(&ended, 1, deadline.left_ms()) != 1) ::kill(pid, SIGKILL);
  int status = 0;
  TRY_SYS(::waitpid(pid, &status, 0));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void remove_half(const HostKey& key) {
  ::unlink(key.path.c_str());
  ::unlink((key.path + ".pub").c_str());
}

}  // namespace

Result<int> make_host_keys(const std::vector<HostKey>& keys,
                           const std::function<Result<SpawnRequest>()>& as_visitor) {
  std::vector<std::pair<const HostKey*, pid_t>> makers;
  int missing = 0;
  for (const HostKey& key : keys) {
    SpawnRequest program = TRY(as_visitor());
    program.argv = maker_of(key);
    program.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
    for (UniqueFd& stream : program.streams)
      stream = TRY(open_file("/dev/null", O_RDWR | O_CLOEXEC));
    const Result<pid_t> pid =
        key.type.empty() ? Result<pid_t>(Error(ErrorClass::unsupported, "a key of another type"))
                         : spawn_program(std::move(program));
    if (pid)
      makers.emplace_back(&key, *pid);
    else
      ++missing;
  }
  const Deadline deadline = Deadline::in(kMakingMax);
  for (const auto& [key, pid] : makers) {
    if (TRY(has_succeeded(pid, deadline))) continue;
    remove_half(*key);
    ++missing;
  }
  return missing;
}

}  // namespace appshot
