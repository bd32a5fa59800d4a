// The commands: each reads its options, talks to the API, prints, and returns the exit status.
#pragma once

#include <functional>
#include <string>

#include "cli/api.h"
#include "cli/options.h"

namespace appshot {

struct Context {
  const Options& options;
  Api& api;
};

// Runs the command that the options name.
int run_command(Context& context);

// commands/*.cc
int command_run(Context& context);
int command_exec(Context& context);
int command_attach(Context& context);
int command_ps(Context& context);
int command_inspect(Context& context);
int command_rids(Context& context);
int command_kill(Context& context);
int command_stop(Context& context);
int command_rm(Context& context);
int command_snapshot(Context& context);
int command_sleep(Context& context);
int command_restore(Context& context);
int command_wake(Context& context);
int command_snapshots(Context& context);
int command_snapshot_rm(Context& context);
int command_verify(Context& context);
int command_export(Context& context);
int command_import(Context& context);
int command_template(Context& context);
int command_templates(Context& context);
int command_template_rm(Context& context);
int command_clone(Context& context);
int command_env_ls(Context& context);
int command_env_create(Context& context);
int command_env_install(Context& context);
int command_env_exec(Context& context);
int command_env_copy(Context& context);
int command_env_rules(Context& context);
int command_env_resolve(Context& context);
int command_env_diff(Context& context);
int command_env_export(Context& context);
int command_env_import(Context& context);
int command_env_rm(Context& context);
int command_check(Context& context);
int command_ports(Context& context);
int command_endpoints(Context& context);
int command_logs(Context& context);
int command_events(Context& context);
int command_why(Context& context);
int command_system(Context& context);
int command_daemon(Context& context);
int command_completion(Context& context);

// Prints the error; the exit status of its class.
int fail(const Error& error);
void print(std::string_view text);
void print_to(int fd, std::string_view bytes);
void print_json(const Json& document);
// A long operation, with its progress on standard error; `what` that is shown of.
Result<Json> ask_with_progress(Context& context, const std::string& path, const Json& wish,
                               const std::string& what);
// Beside what scripts read: connections that could not be kept.
void tell_of_lost(const Json& running);
// The same for each id, in order, whatever became of the one before; the first failure's status.
int for_each_id(Context& context, const std::function<Result<>(const std::string& id)>& action);

}  // namespace appshot
