// env ls, create, copy, diff, export, import, rm. (env install and env exec run programs: run.cc;
// env rules and env resolve: rules.cc.)
#include <unistd.h>

#include <cstdlib>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/transfer.h"

namespace appshot {
namespace {

int print_environment(Context& context, const Result<Json>& answer) {
  if (!answer) return fail(answer.error());
  if (context.options.json)
    print_json(*answer);
  else
    print(string_at(*answer, "name") + "\n");
  return 0;
}

// A name stays a name; what has a slash in it, or is "." and the like, is a path of ours.
std::string absolute_if_path(const std::string& from) {
  if (from.starts_with('/') || (from.find('/') == std::string::npos && !from.starts_with('.')))
    return from;
  char* here = ::getcwd(nullptr, 0);
  std::string path = (here == nullptr ? "" : std::string(here)) + "/" + from;
  std::free(here);
  return path;
}

std::string absolute(const std::string& path) {
  return path.find('/') == std::string::npos ? absolute_if_path("./" + path)
                                             : absolute_if_path(path);
}

// With progress.
Result<Json> ask(Context& context, const std::string& target, const Json& wish) {
  const std::string& mode = context.options.progress;
  Result<Json> done = context.api.post_with_progress(
      target, wish, progress_printer(mode, context.options.environment));
  end_progress(mode);
  return done;
}

char letter_of(const std::string& what) {
  return what == "added" ? 'A' : what == "removed" ? 'D' : what == "attributes" ? 'M' : 'C';
}

Result<Json> export_as_folder(Context& context) {
  const Options& options = context.options;
  const std::string target = environment_path(options.environment, "/export");
  if (!options.folder.empty()) return ask(context, target, {{"folder", absolute(options.folder)}});
  const size_t colon = options.oci.find_last_of(':');
  const bool has_tag =
      colon != std::string::npos && options.oci.find('/', colon) == std::string::npos;
  return ask(context, target,
             {{"folder", absolute(options.oci.substr(0, has_tag ? colon : std::string::npos))},
              {"tag", has_tag ? options.oci.substr(colon + 1) : "latest"}});
}

}  // namespace

int command_env_ls(Context& context) {
  Result<Json> answer = context.api.get("/v1/environments");
  if (!answer) return fail(answer.error());
  const Json& list = field(*answer, "environments");
  if (context.options.json) {
    print_json(list);
    return 0;
  }
  if (context.options.quiet) {
    for (const Json& one : list) print(string_at(one, "name") + "\n");
    return 0;
  }
  Table table({"NAME", "OVER", "LAYERS", "SIZE", "AGE", "INSTANCES"});
  for (const Json& one : list)
    table.add({string_at(one, "name"), string_at(one, "base") == "own" ? "-" : "host",
               std::to_string(field(one, "layers").size()), human_bytes(int_at(one, "bytes")),
               human_duration(int_at(one, "age_ms")),
               std::to_string(strings_at(one, "instances").size())});
  print(table.text());
  return 0;
}

int command_env_create(Context& context) {
  const Options& options = context.options;
  return print_environment(context, ask(context, "/v1/environments",
                                        {{"name", options.environment},
                                         {"from", absolute_if_path(options.from)},
                                         {"allow_public", options.allow_public}}));
}

int command_env_copy(Context& context) {
  const Options& options = context.options;
  return print_environment(
      context,
      context.api.post("/v1/environments", {{"name", options.to}, {"from", options.environment}}));
}

int command_env_diff(Context& context) {
  const Options& options = context.options;
  const Result<Json> answer = context.api.get(
      environment_path(options.environment, options.all ? "/diff?all=true" : "/diff"));
  if (!answer) return fail(answer.error());
  if (options.json) {
    print_json(field(*answer, "layers"));
    return 0;
  }
  for (const Json& layer : field(*answer, "layers")) {
    if (options.all) print("# " + string_at(layer, "what") + "\n");
    for (const Json& change : field(layer, "changes"))
      print(std::string(1, letter_of(string_at(change, "what"))) + " " + string_at(change, "path") +
            "\n");
  }
  return 0;
}

int command_env_export(Context& context) {
  const Options& options = context.options;
  if (options.oci.empty() && options.folder.empty()) {
    if (options.file.empty())
      return fail(Error(ErrorClass::usage, "where to?").hint("give a file, --folder or --oci"));
    if (options.file == "-" && ::isatty(STDOUT_FILENO) == 1)
      return fail(Error(ErrorClass::usage, "an export is not for a terminal")
                      .hint("give a file, or pipe it somewhere"));
    const Result<> exported =
        download(context, environment_path(options.environment, "/export"), options.file);
    return exported ? 0 : fail(exported.error());
  }
  const Result<Json> exported = export_as_folder(context);
  return exported ? 0 : fail(exported.error());
}

int command_env_import(Context& context) {
  const Options& options = context.options;
  std::string target = "/v1/environments/import?name=" + percent_encode(options.name);
  if (options.allow_public) target += "&allow_public=true";
  return print_environment(context, upload(context, target, options.file));
}

int command_env_rm(Context& context) {
  return print_environment(context,
                           context.api.remove(environment_path(context.options.environment)));
}

}  // namespace appshot
