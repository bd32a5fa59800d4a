#include "harness/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "harness/rules.h"
#include "init/init.h"
#include "os/file.h"
#include "os/in_root.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kFolder[] = "/etc/appshot/hooks/";
constexpr std::chrono::seconds kTimeMax{10};
constexpr std::chrono::seconds kDeathMax{5};
constexpr size_t kOutputMax = 4096;

bool is_there(const std::string& root, const std::string& path) {
  const Result<UniqueFd> folder = open_file(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return folder && open_in_root(folder->get(), path, O_PATH | O_CLOEXEC);
}

class Hook {
 public:
  Hook(HookOutcome& outcome, InitLink& init, const HarnessConfig& config)
      : outcome_(outcome), init_(init), config_(config) {}

  Result<> run() {
    const Deadline deadline = Deadline::in(kTimeMax);
    TRY(start());
    if (TRY(wait(deadline))) return {};
    outcome_.timed_out = true;
    // With what it has started.
    TRY(init_.ask({{"op", init_op::kSignal}, {"pid", -pid_}, {"signal", SIGKILL}}));
    if (TRY(wait(Deadline::in(kDeathMax)))) return {};
    return Error(ErrorClass::timeout, "it does not die");
  }

 private:
  Result<> start() {
    int ends[2];
    TRY_SYS(::pipe2(ends, O_CLOEXEC));
    output_ = UniqueFd(ends[0]);
    const UniqueFd theirs(ends[1]);
    TRY_SYS(::fcntl(output_.get(), F_SETFL, O_NONBLOCK));
    const UniqueFd nothing = TRY(open_file("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<std::string> env = merged_environment(config_.env, config_.rule_env);
    env = merged_environment(std::move(env),
                             {"APPSHOT_EVENT=" + outcome_.name, "APPSHOT_AID=" + config_.aid,
                              "APPSHOT_GENERATION=" + std::to_string(config_.generation)});
    const int fds[] = {nothing.get(), theirs.get(), theirs.get()};
    const Packet started = TRY(init_.ask({{"op", init_op::kSpawn},
                                          {"argv", {kFolder + outcome_.name}},
                                          {"env", env},
                                          {"cwd", "/"},
                                          {"visitor", true}},
                                         fds));
    pid_ = static_cast<pid_t>(int_at(started.document, "pid"));
    return {};
  }

  // Whether it has ended.
  Result<bool> wait(Deadline deadline) {
    const auto is_end = [this](const Json& event) {
      return string_at(event, "event") == "ended" && bool_at(event, "visitor") &&
             int_at(event, "pid") == pid_;
    };
    for (;;) {
      if (const std::optional<Json> end = TRY(init_.take_event(is_end))) {
        outcome_.status = static_cast<int>(int_at(*end, "status"));
        read_output();
        return true;
      }
      pollfd waits[] = {{init_.fd(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
      if (::poll(waits, 2, deadline.left_ms()) < 0 && errno != EINTR)
        return Error::from_errno(errno, "poll");
      read_output();
      if (deadline.passed()) return false;
    }
  }

  // More than is kept is read as well, so that it need not wait. The end is its end, unless a child
  // of it writes on.
  void read_output() {
    std::array<char, kOutputMax> bytes;
    for (ssize_t got = 0;
         output_ && (got = ::read(output_.get(), bytes.data(), bytes.size())) >= 0;) {
      if (got == 0) return output_.reset();
      outcome_.output.append(bytes.data(), static_cast<size_t>(got));
      if (outcome_.output.size() > kOutputMax) outcome_.output.resize(kOutputMax);
    }
  }

  HookOutcome& outcome_;
  InitLink& init_;
  const HarnessConfig& config_;
  UniqueFd output_;
  pid_t pid_ = 0;
};

}  // namespace

std::string HookOutcome::text() const {
  std::string text = "the hook " + name;
  if (!error.empty())
    text += " could not be run: " + error;
  else if (timed_out)
    text += " was not done in " + std::to_string(kTimeMax.count()) + " s and was killed";
  else if (WIFSIGNALED(status))
    text += std::string(" was killed by signal ") + std::to_string(WTERMSIG(status)) + " (" +
            ::strsignal(WTERMSIG(status)) + ")";
  else
    text += " ended with status " + std::to_string(WEXITSTATUS(status));
  const size_t line = output.find('\n');
  const std::string first = output.substr(0, line);
  return first.empty() ? text : text + ": " + first;
}

std::optional<HookOutcome> run_hook(const std::string& name, InitLink& init,
                                    const HarnessConfig& config, const std::string& root) {
  if (!is_there(root, kFolder + name)) return std::nullopt;
  HookOutcome outcome;
  outcome.name = name;
  const Clock::time_point begin = Clock::now();
  if (Result<> ran = Hook(outcome, init, config).run(); !ran) outcome.error = ran.error().message();
  outcome.took_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
  return outcome;
}

Json hook_event(const HookOutcome& outcome) {
  return make_event("hook", {{"hook", outcome.name},
                             {"text", outcome.text()},
                             {"well", outcome.ended_well()},
                             {"output", outcome.output},
                             {"took_ms", outcome.took_ms}});
}

}  // namespace appshot
