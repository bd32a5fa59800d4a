// env ls, create, copy, rm. (env install and env exec run programs: run.cc.)
#include "cli/commands.h"
#include "cli/text.h"

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
  return print_environment(
      context, context.api.post("/v1/environments",
                                {{"name", options.environment}, {"from", options.from}}));
}

int command_env_copy(Context& context) {
  const Options& options = context.options;
  return print_environment(
      context,
      context.api.post("/v1/environments", {{"name", options.to}, {"from", options.environment}}));
}

int command_env_rm(Context& context) {
  return print_environment(context,
                           context.api.remove(environment_path(context.options.environment)));
}

}  // namespace appshot
