#include "cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/text.h"

namespace appshot {
namespace {

struct Entry {
  std::string_view name;
  int (*command)(Context&);
};

constexpr std::array kTable{
    Entry{"run", command_run},
    Entry{"exec", command_exec},
    Entry{"attach", command_attach},
    Entry{"ps", command_ps},
    Entry{"inspect", command_inspect},
    Entry{"rids", command_rids},
    Entry{"kill", command_kill},
    Entry{"stop", command_stop},
    Entry{"rm", command_rm},
    Entry{"snapshot", command_snapshot},
    Entry{"sleep", command_sleep},
    Entry{"restore", command_restore},
    Entry{"wake", command_wake},
    Entry{"snapshots", command_snapshots},
    Entry{"snapshot-rm", command_snapshot_rm},
    Entry{"verify", command_verify},
    Entry{"export", command_export},
    Entry{"import", command_import},
    Entry{"template", command_template},
    Entry{"templates", command_templates},
    Entry{"template-rm", command_template_rm},
    Entry{"clone", command_clone},
    Entry{"env ls", command_env_ls},
    Entry{"env create", command_env_create},
    Entry{"env install", command_env_install},
    Entry{"env exec", command_env_exec},
    Entry{"env copy", command_env_copy},
    Entry{"env rules", command_env_rules},
    Entry{"env resolve", command_env_resolve},
    Entry{"env diff", command_env_diff},
    Entry{"env export", command_env_export},
    Entry{"env import", command_env_import},
    Entry{"env rm", command_env_rm},
    Entry{"ports", command_ports},
    Entry{"endpoints", command_endpoints},
    Entry{"check", command_check},
    Entry{"logs", command_logs},
    Entry{"events", command_events},
    Entry{"why", command_why},
    Entry{"system", command_system},
    Entry{"daemon", command_daemon},
    Entry{"completion", command_completion},
};

void write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;  // nobody reads it
    text.remove_prefix(static_cast<size_t>(put));
  }
}

}  // namespace

int run_command(Context& context) {
  auto found = std::find_if(kTable.begin(), kTable.end(), [&](const Entry& entry) {
    return entry.name == context.options.command;
  });
  if (found != kTable.end()) return found->command(context);
  return fail(Error(ErrorClass::usage, "there is no command " + context.options.command));
}

int fail(const Error& error) {
  write_whole(STDERR_FILENO, error_text(error));
  return exit_status_of(error.cls());
}

void print(std::string_view text) { write_whole(STDOUT_FILENO, text); }

void print_to(int fd, std::string_view bytes) { write_whole(fd, bytes); }

void print_json(const Json& document) {
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

int for_each_id(Context& context, const std::function<Result<>(const std::string& id)>& action) {
  int status = 0;
  for (const std::string& id : context.options.ids) {
    Result<> done = action(id);
    if (done) continue;
    int failed = fail(done.error());
    if (status == 0) status = failed;
  }
  return status;
}

}  // namespace appshot
