// env rules, env resolve.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "os/file.h"

namespace appshot {
namespace {

std::string rules_path(const Options& options) {
  return options.everybody ? "/v1/rules" : environment_path(options.environment, "/rules");
}

std::string editor() {
  for (const char* variable : {"VISUAL", "EDITOR"})
    if (const char* chosen = std::getenv(variable); chosen != nullptr && *chosen != '\0')
      return chosen;
  return "vi";
}

// By a shell: an editor may be named with options.
Result<> run_editor(const std::string& file) {
  const std::string command = editor() + " \"$1\"";
  const pid_t pid = TRY_SYS(::fork());
  if (pid == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), "sh", file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  TRY_SYS(::waitpid(pid, &status, 0));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error(ErrorClass::other, "the editor (" + editor() + ") has failed; nothing was changed");
}

class Draft {
 public:
  static Result<Draft> of(const std::string& text) {
    const char* folder = std::getenv("TMPDIR");
    std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/appshot-rules-XXXXXX";
    const UniqueFd file(TRY_SYS(::mkostemp(name.data(), O_CLOEXEC)));
    Draft draft(name);
    TRY(write_all(file.get(), text));
    return draft;
  }
  Draft(Draft&& other) noexcept : name_(std::exchange(other.name_, "")) {}
  ~Draft() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  const std::string& name() const { return name_; }
  std::string keep() { return std::exchange(name_, ""); }

 private:
  explicit Draft(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

Result<Json> edit(Context& context, const std::string& path) {
  const std::string before = string_at(TRY(context.api.get(path)), "rules");
  Draft draft = TRY(Draft::of(before));
  TRY(run_editor(draft.name()));
  const std::string after = TRY(read_file(draft.name()));
  if (after == before) return Json{{"rules", after}};
  Result<Json> kept = context.api.post(path, {{"rules", after}});
  if (kept) return kept;
  // So that the work is not lost.
  return Error(kept.take_error())
      .hint("nothing was changed; what you wrote is in " + draft.keep() +
            ": mend it, then appshot env rules --set FILE");
}

Result<Json> show_or_change(Context& context) {
  const Options& options = context.options;
  if (!options.everybody && options.environment.empty())
    return Error(ErrorClass::usage, "whose rules?").hint("give an environment, or --everybody");
  const std::string path = rules_path(options);
  if (options.action == "edit") return edit(context, path);
  if (options.file.empty()) return context.api.get(path);
  const std::string text =
      options.file == "-" ? TRY(read_whole(STDIN_FILENO)) : TRY(read_file(options.file));
  return context.api.post(path, {{"rules", text}});
}

std::string place_of(const Json& resolution) {
  const std::string found = string_at(resolution, "found");
  if (found == "layer") return "in the environment's layer " + string_at(resolution, "layer");
  if (found == "removed")
    return "nowhere: the layer " + string_at(resolution, "layer") + " has removed it";
  if (found == "nowhere") return "nowhere: there is no such file";
  return bool_at(resolution, "public") ? "on the host, shared with it" : "among the host's files";
}

}  // namespace

int command_env_rules(Context& context) {
  const Result<Json> rules = show_or_change(context);
  if (!rules) return fail(rules.error());
  if (context.options.json)
    print_json(*rules);
  else
    print(string_at(*rules, "rules"));
  return 0;
}

int command_env_resolve(Context& context) {
  const Options& options = context.options;
  const Result<Json> resolution = context.api.get(environment_path(
      options.environment,
      "/resolve?path=" + percent_encode(options.path) + "&aid=" + percent_encode(options.as)));
  if (!resolution) return fail(resolution.error());
  if (options.json) {
    print_json(*resolution);
    return 0;
  }
  print(string_at(*resolution, "path") + " -> " + string_at(*resolution, "leads_to") + "\n");
  for (const Json& step : field(*resolution, "steps"))
    print("  by " + string_at(step, "at") + ": " + string_at(step, "what") + "\n");
  print("  found " + place_of(*resolution) + "\n");
  return 0;
}

}  // namespace appshot
