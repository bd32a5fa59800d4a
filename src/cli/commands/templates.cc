// template, templates, template-rm, clone.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace appshot {
namespace {

std::string template_path(const std::string& id) { return "/v1/templates/" + percent_encode(id); }

// KEY alone passes ours on.
std::vector<std::string> with_values(const std::vector<std::string>& given) {
  std::vector<std::string> all;
  for (const std::string& one : given) {
    if (one.find('=') != std::string::npos)
      all.push_back(one);
    else if (const char* value = ::getenv(one.c_str()))
      all.push_back(one + "=" + value);
  }
  return all;
}

}  // namespace

int command_template(Context& context) {
  const Options& options = context.options;
  const std::string& from = options.ids.front();
  Result<Json> made =
      ask_with_progress(context, "/v1/templates",
                        {{"from", from}, {"name", options.name}, {"warm", options.warm}}, from);
  if (!made) return fail(made.error());
  if (options.json)
    print_json(*made);
  else
    print(string_at(*made, "id") + "\n");
  return 0;
}

int command_templates(Context& context) {
  Result<Json> answer = context.api.get("/v1/templates");
  if (!answer) return fail(answer.error());
  const Json& list = field(*answer, "templates");
  if (context.options.json) {
    print_json(list);
    return 0;
  }
  if (context.options.quiet) {
    for (const Json& one : list) print(string_at(one, "id") + "\n");
    return 0;
  }
  Table table({"ID", "NAME", "OF", "AGE", "PROCS", "MEMORY", "STATE", "CLONES", "COMMAND"});
  for (const Json& one : list) {
    const std::string name = string_at(one, "name");
    table.add({string_at(one, "id"), name.empty() ? "-" : name, string_at(one, "aid"),
               human_duration(int_at(one, "age_ms")), std::to_string(int_at(one, "processes")),
               human_bytes(int_at(one, "memory_bytes")), string_at(one, "memory"),
               std::to_string(int_at(one, "clones")), joined(strings_at(one, "argv"), 60)});
  }
  print(table.text());
  return 0;
}

int command_template_rm(Context& context) {
  return for_each_id(context, [&](const std::string& id) -> Result<> {
    Json removed = TRY(context.api.remove(template_path(id)));
    print(string_at(removed, "id", id) + "\n");
    return {};
  });
}

int command_clone(Context& context) {
  const Options& options = context.options;
  const std::string& from = options.ids.front();
  Result<Json> made = ask_with_progress(context, "/v1/clones",
                                        {{"from", from},
                                         {"count", options.count},
                                         {"name", options.name},
                                         {"memory", options.memory},
                                         {"ports", options.ports},
                                         {"connections", options.connections},
                                         {"env", with_values(options.env)}},
                                        from);
  if (!made) return fail(made.error());
  const Json& instances = field(*made, "instances");
  if (options.json) {
    print_json(instances);
    return 0;
  }
  for (const Json& instance : instances) {
    std::string line = string_at(instance, "aid");
    if (!options.quiet)
      for (const std::string& port : strings_at(instance, "ports")) line += " " + port;
    print(line + "\n");
    tell_of_lost(instance);
  }
  return 0;
}

}  // namespace appshot
