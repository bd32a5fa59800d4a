// run, exec, attach, env install, env exec: a program's input and output are this terminal's.
#include <unistd.h>

#include <cstdlib>

#include "base/size.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "os/file.h"

extern char** environ;

namespace appshot {
namespace {

constexpr int kOwnFailure = 125;

// -e KEY=VALUE; -e KEY takes the value from here.
Result<> add_variable(const std::string& given, std::vector<std::string>& list) {
  size_t equals = given.find('=');
  std::string key = given.substr(0, equals);
  if (key.empty()) return Error(ErrorClass::usage, "-e " + given + ": not KEY=VALUE");
  std::string entry = given;
  if (equals == std::string::npos) {
    const char* value = std::getenv(key.c_str());
    if (value == nullptr) return {};
    entry = key + "=" + value;
  }
  std::erase_if(list, [&](const std::string& old) { return old.starts_with(key + "="); });
  list.push_back(std::move(entry));
  return {};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view variable = *entry;
    if (!variable.starts_with("APPSHOT_")) list.emplace_back(variable);
  }
  return list;
}

std::string working_folder(const Options& options) {
  if (!options.workdir.empty()) return options.workdir;
  char* current = ::getcwd(nullptr, 0);
  std::string folder = current == nullptr ? "/" : current;
  std::free(current);
  return folder;
}

// JSON carries text; a byte that is not UTF-8 would arrive as another.
Result<> check_text(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    Json quoted = word;
    Result<Json> back = parse_json(json_text(quoted));
    if (!back || *back != quoted)
      return Error(ErrorClass::usage, "'" + word + "' is not valid UTF-8");
  }
  return {};
}

Result<std::vector<std::string>> given_variables(const Options& options) {
  std::vector<std::string> given;
  for (const std::string& one : options.env) TRY(add_variable(one, given));
  return given;
}

void add_window(Json& request) {
  std::optional<WindowSize> size = window_size();
  if (!size) return;
  request["rows"] = size->rows;
  request["cols"] = size->cols;
}

Result<Json> program_request(const Options& options, std::vector<std::string> env) {
  TRY(check_text(options.argv));
  for (const std::string& given : options.env) TRY(add_variable(given, env));
  std::erase_if(env, [](const std::string& entry) { return !check_text({entry}); });
  Json request{
      {"argv", options.argv}, {"env", env}, {"tty", options.tty}, {"stdin", options.interactive}};
  if (!options.user.empty()) request["user"] = options.user;
  return request;
}

// 126 and 127 when the program is at fault, else 125.
int fail_program(Context& context, const Error& error) {
  int usual = fail(error);
  if (error.cls() == ErrorClass::usage) return usual;
  return context.api.program_status().value_or(kOwnFailure);
}

int finish(const SessionEnd& end, const std::string& aid) {
  switch (end.kind) {
    case SessionEnd::Kind::exited:
    case SessionEnd::Kind::detached:
      return end.status;
    case SessionEnd::Kind::let_go:
      (void)fail(Error(ErrorClass::other, aid + ": " + (end.text.empty() ? "let go" : end.text)));
      return 0;
    case SessionEnd::Kind::lost:
      if (!end.text.empty()) (void)fail(Error(ErrorClass::gone, end.text));
      return end.status;
    case SessionEnd::Kind::failed:
      (void)!::write(STDERR_FILENO, end.text.data(), end.text.size());
      return end.status;
  }
  return kOwnFailure;
}

SessionWish session_wish(Context& context, const std::string& aid) {
  SessionWish wish;
  wish.aid = aid;
  wish.forward_signal = [&context, aid](int signal) {
    (void)context.api.post(instance_path(aid, "/kill"), {{"signal", signal}});
  };
  return wish;
}

}  // namespace

namespace {

Result<Json> launch_request(const Options& options) {
  Json request = TRY(program_request(options, own_environment()));
  request["name"] = options.name;
  request["share"] = options.share;
  request["ports"] = options.ports;
  request["hostname"] = options.hostname;
  request["rm"] = options.rm;
  request["allow_io_uring"] = options.allow_io_uring;
  request["privileged"] = options.privileged;
  request["cap_add"] = options.cap_add;
  request["cap_drop"] = options.cap_drop;
  request["allow_setuid"] = options.allow_setuid;
  request["userns"] = options.userns;
  request["hold_start"] = !options.detach;
  if (!options.memory_limit.empty()) request["memory"] = TRY(parse_size(options.memory_limit));
  if (options.cpus != 0) request["cpus"] = options.cpus;
  if (options.pids != 0) request["pids"] = options.pids;
  request["public_paths"] = options.public_paths;
  if (!options.rules.empty()) {
    request["rules"] = TRY(read_file(options.rules));
    request["rules_name"] = options.rules;
  }
  if (options.environment.empty()) {
    request["cwd"] = working_folder(options);
  } else {
    // What ours are counts only where the environment shows the host's files.
    request["environment"] = options.environment;
    request["set_env"] = TRY(given_variables(options));
    request["cwd"] = options.workdir;
    request["here"] = working_folder({});
  }
  return request;
}

// Of a launched program that waits for it: until it ends, or this terminal leaves it.
struct Attended {
  std::string aid;
  SessionEnd end;
};
Result<Attended> attend(Context& context, const Json& request) {
  const Json launched = TRY(context.api.post("/v1/instances", request));
  const std::string aid = string_at(launched, "aid");
  // The program has not started: nothing it writes can be missed.
  Json attach = Json::object();
  add_window(attach);
  HttpClient::Stream stream = TRY(context.api.stream(instance_path(aid, "/attach"), attach));
  SessionWish wish = session_wish(context, aid);
  wish.tty = context.options.tty;
  wish.pass_stdin = context.options.interactive;
  const SessionEnd end = run_session(std::move(stream), wish);
  // Whoever looks after us sees an instance that has ended, or, with --rm, none.
  if (end.kind == SessionEnd::Kind::exited) (void)context.api.post(instance_path(aid, "/wait"));
  // What has never run leaves nothing.
  if (end.kind == SessionEnd::Kind::failed)
    (void)context.api.remove(instance_path(aid, "?force=true"));
  return Attended{aid, end};
}

std::string text_of_size(const Json& kept) {
  return bool_at(kept, "added") ? human_bytes(int_at(kept, "added_bytes")) + " added"
                                : std::string("nothing was changed");
}

}  // namespace

int command_run(Context& context) {
  const Options& options = context.options;
  Result<Json> request = launch_request(options);
  if (!request) return fail(request.error());
  if (options.detach) {
    Result<Json> launched = context.api.post("/v1/instances", *request);
    if (!launched) return fail(launched.error());
    print(string_at(*launched, "aid") + "\n");
    return 0;
  }
  Result<Attended> attended = attend(context, *request);
  return attended ? finish(attended->end, attended->aid) : fail_program(context, attended.error());
}

int command_env_exec(Context& context) {
  Result<Json> request = launch_request(context.options);
  if (!request) return fail(request.error());
  (*request)["rm"] = true;
  Result<Attended> attended = attend(context, *request);
  return attended ? finish(attended->end, attended->aid) : fail_program(context, attended.error());
}

// So that installers start no services.
constexpr char kNoServices[] = "RUNLEVEL=1";

// The instance lives only for it. Whatever is not kept goes with it, services it has started, too.
int command_env_install(Context& context) {
  const std::string& name = context.options.environment;
  Result<Json> request = launch_request(context.options);
  if (!request) return fail(request.error());
  (*request)["ends_with_program"] = true;
  for (const char* list : {"env", "set_env"})
    if (request->contains(list)) (*request)[list].insert((*request)[list].begin(), kNoServices);
  Result<Attended> attended = attend(context, *request);
  if (!attended) return fail_program(context, attended.error());
  const bool well = attended->end.kind == SessionEnd::Kind::exited && attended->end.status == 0;
  Result<Json> kept = Json();
  if (well) kept = context.api.post(environment_path(name, "/keep"), {{"aid", attended->aid}});
  (void)context.api.remove(instance_path(attended->aid, "?force=true"));
  if (!kept) return fail(kept.error());
  const std::string outcome = well ? text_of_size(*kept) : "is as it was, the installer has failed";
  print_outcome(context.options.progress, "environment " + name + ": " + outcome);
  const int status = finish(attended->end, attended->aid);
  return status == 0 && !well ? kOwnFailure : status;
}

int command_exec(Context& context) {
  const Options& options = context.options;
  // What is not said here is as the instance has it.
  std::vector<std::string> env;
  const char* terminal = std::getenv("TERM");
  if (options.tty && terminal != nullptr) env.push_back(std::string("TERM=") + terminal);
  Result<Json> request = program_request(options, std::move(env));
  if (!request) return fail(request.error());
  if (!options.workdir.empty()) (*request)["cwd"] = options.workdir;
  const std::string& aid = options.ids.front();
  if (options.detach) {
    const Result<Json> joined = context.api.post(instance_path(aid, "/programs"), *request);
    if (!joined) return fail_program(context, joined.error());
    print(std::to_string(int_at(*joined, "pid")) + "\n");
    return 0;
  }
  add_window(*request);
  Result<HttpClient::Stream> stream = context.api.stream(instance_path(aid, "/exec"), *request);
  if (!stream) return fail_program(context, stream.error());
  SessionWish wish;
  wish.aid = aid;
  wish.tty = options.tty;
  wish.pass_stdin = options.interactive;
  return finish(run_session(std::move(*stream), wish), aid);
}

int command_attach(Context& context) {
  Result<Json> instance = context.api.get(instance_path(context.options.ids.front()));
  if (!instance) return fail(instance.error());
  std::string aid = string_at(*instance, "aid");
  const Json& program = field(*instance, "options");
  Json attach = Json::object();
  add_window(attach);
  Result<HttpClient::Stream> stream = context.api.stream(instance_path(aid, "/attach"), attach);
  if (!stream) return fail(stream.error());
  SessionWish wish = session_wish(context, aid);
  wish.tty = bool_at(program, "tty");
  wish.pass_stdin = bool_at(program, "stdin");
  return finish(run_session(std::move(*stream), wish), aid);
}

}  // namespace appshot
