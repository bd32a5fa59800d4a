#include "node/harness_start.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "os/file.h"
#include "protocol/error_json.h"
#include "protocol/harness_begin.h"

extern char** environ;

namespace appshot {
namespace {

constexpr int kControlFd = 3;
// Descriptors are moved up here first, so that placing one in the child never overwrites another.
constexpr int kOutOfTheWay = 10;

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  void place(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void close_from(int first) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// A new session, no blocked signals, every signal at its default.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

Result<UniqueFd> out_of_the_way(int fd) {
  return UniqueFd(TRY_SYS(::fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay)));
}

// In a session of its own, with nothing of the daemon's but the control descriptor and, until it
// gets a log of its own, the daemon's log.
Result<StartedHarness> spawn_harness(const std::string& program) {
  auto [ours, theirs] = TRY(Channel::make_pair());
  UniqueFd null = TRY(open_file("/dev/null", O_RDWR));
  UniqueFd far_null = TRY(out_of_the_way(null.get()));
  UniqueFd far_control = TRY(out_of_the_way(theirs.fd()));

  SpawnActions actions;
  actions.place(far_null.get(), STDIN_FILENO);
  actions.place(far_control.get(), kControlFd);
  actions.close_from(kControlFd + 1);
  SpawnAttributes attributes;
  std::string control = std::to_string(kControlFd);
  const char* argv[] = {"appshot-harness", "--control", control.c_str(), nullptr};
  pid_t pid = 0;
  int failed = ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(),
                             const_cast<char* const*>(argv), environ);
  if (failed != 0)
    return Error::from_errno(failed, "posix_spawn " + program)
        .as(ErrorClass::other)
        .with_errno(0)  // this program is not the user's
        .hint("the harness belongs beside appshotd; APPSHOT_HARNESS names another");
  return StartedHarness{std::move(ours), pid};
}

}  // namespace

Result<StartedHarness> HarnessStarter::start(const HarnessConfig& config) {
  UniqueFd log =
      TRY(open_file(config.state_dir + "/harness.log", O_WRONLY | O_CREAT | O_APPEND, 0600));
  std::optional<StartedHarness> spare = take_spare();
  // One that has died meanwhile is no reason to fail.
  if (spare && send_begin(spare->channel, config, log.get())) return std::move(*spare);
  StartedHarness harness = TRY(spawn_harness(program_));
  TRY(send_begin(harness.channel, config, log.get()));
  return harness;
}

void HarnessStarter::prepare_spare() {
  std::lock_guard lock(mutex_);
  if (spare_) return;
  // The next start tries by itself and tells why it cannot.
  if (Result<StartedHarness> spawned = spawn_harness(program_)) spare_ = std::move(*spawned);
}

std::optional<StartedHarness> HarnessStarter::take_spare() {
  std::lock_guard lock(mutex_);
  return std::exchange(spare_, std::nullopt);
}

Result<Json> await_ready(StartedHarness& harness, std::chrono::milliseconds silence_max,
                         const ProgressListener& progress) {
  int64_t lost = 0;
  for (;;) {
    std::optional<Packet> packet = TRY(harness.channel.receive(Deadline::in(silence_max)));
    if (!packet)
      return Error(ErrorClass::other, "the harness ended before it was ready")
          .hint("its last words are in harness.log in the instance's state folder");
    std::string event = string_at(packet->document, "event");
    if (event == "lost") lost = int_at(packet->document, "connections");
    if (event == "ready") {
      packet->document["lost_connections"] = lost;
      return std::move(packet->document);
    }
    if (event == "failed") return error_from_json(field(packet->document, "error"));
    if (event == "progress" && progress) progress(field(packet->document, "progress"));
  }
}

bool await_end(StartedHarness& harness, Deadline deadline) {
  for (;;) {
    Result<std::optional<Packet>> packet = harness.channel.receive(deadline);
    if (!packet) return packet.error().cls() != ErrorClass::timeout;
    if (!*packet) return true;
  }
}

std::string harness_program(const std::string& configured) {
  if (!configured.empty()) return configured;
  Result<std::string> self = read_link("/proc/self/exe");
  std::string path = self ? *self : "";
  return path.substr(0, path.find_last_of('/') + 1) + "appshot-harness";
}

}  // namespace appshot
