// ps, inspect, rids, kill, stop, rm.
#include "cli/commands.h"
#include "cli/records.h"
#include "cli/text.h"

namespace appshot {
namespace {

constexpr double kPatiencePart = 0.8;

std::string state_text(const Json& instance) {
  std::string state = string_at(instance, "state");
  if (std::string busy = string_at(instance, "busy"); !busy.empty()) state += " (" + busy + ")";
  if (field(instance, "exit_status").is_number())
    state += " (" + std::to_string(int_at(instance, "exit_status")) + ")";
  if (field(instance, "exit_signal").is_number())
    state += " (signal " + std::to_string(int_at(instance, "exit_signal")) + ")";
  return state;
}

std::string number_or_dash(int64_t number) { return number == 0 ? "-" : std::to_string(number); }

std::string bytes_or_dash(int64_t bytes) { return bytes == 0 ? "-" : human_bytes(bytes); }

std::string scalar_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

void print_details(const Json& document) {
  Table table({"FIELD", "VALUE"});
  for (const auto& [name, value] : document.items()) {
    bool empty = value.is_null() || value == "" || value == Json::array();
    if (name == "records" || empty) continue;
    table.add({name, scalar_text(value)});
  }
  print(table.text());
  const Json& records = field(document, "records");
  if (!records.is_array() || records.empty()) return;
  print("\n" + records_text(records));
}

// Several documents print as one list.
int print_each(Context& context, const std::function<Result<Json>(const std::string& id)>& read,
               const std::function<void(const Json&)>& show) {
  Json list = Json::array();
  int status = for_each_id(context, [&](const std::string& id) -> Result<> {
    Json document = TRY(read(id));
    if (context.options.json) {
      list.push_back(std::move(document));
    } else {
      show(document);
    }
    return {};
  });
  if (context.options.json && !list.empty())
    print_json(context.options.ids.size() == 1 ? list.front() : list);
  return status;
}

}  // namespace

int command_ps(Context& context) {
  const Options& options = context.options;
  Result<Json> answer = context.api.get(options.all ? "/v1/instances?all=true" : "/v1/instances");
  if (!answer) return fail(answer.error());
  const Json& list = field(*answer, "instances");
  if (options.json) {
    print_json(list);
    return 0;
  }
  if (options.quiet) {
    for (const Json& instance : list) print(string_at(instance, "aid") + "\n");
    return 0;
  }
  Table table({"AID", "STATE", "AGE", "PROCS", "MEMORY", "PORTS", "NODE", "TEMPLATE", "COMMAND"});
  for (const Json& instance : list) {
    std::string from = string_at(instance, "template");
    table.add({string_at(instance, "aid"), state_text(instance),
               human_duration(int_at(instance, "age_ms")),
               number_or_dash(int_at(instance, "processes")),
               bytes_or_dash(int_at(instance, "memory_bytes")),
               joined(strings_at(instance, "ports"), 30), string_at(instance, "node"),
               from.empty() ? "-" : from, joined(strings_at(instance, "argv"), 60)});
  }
  print(table.text());
  return 0;
}

int command_inspect(Context& context) {
  auto read = [&](const std::string& id) -> Result<Json> {
    Result<Json> instance = context.api.get(instance_path(id, "?records=true"));
    if (instance || instance.error().cls() != ErrorClass::not_found) return instance;
    Result<Json> snapshot = context.api.get(snapshot_path(id, "?records=true"));
    if (snapshot || snapshot.error().cls() != ErrorClass::not_found) return snapshot;
    return Error(ErrorClass::not_found, "there is no instance and no snapshot " + id)
        .hint("see appshot ps -a and appshot snapshots");
  };
  return print_each(context, read, print_details);
}

int command_rids(Context& context) {
  auto read = [&](const std::string& aid) { return context.api.get(instance_path(aid, "/rids")); };
  return print_each(context, read, [](const Json& document) {
    Table table({"TYPE", "VIRTUAL", "SYSTEM", "NAME"});
    for (const Json& rid : field(document, "rids"))
      table.add({string_at(rid, "type"), scalar_text(field(rid, "virtual")),
                 scalar_text(field(rid, "system")), string_at(rid, "name")});
    print(table.text());
  });
}

int command_kill(Context& context) {
  Result<int> signal = signal_number(context.options.signal);
  if (!signal) return fail(signal.error());
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    TRY(context.api.post(instance_path(aid, "/kill"),
                         {{"signal", *signal}, {"pid", context.options.virtual_pid}}));
    return {};
  });
}

int command_stop(Context& context) {
  // Who is given a time is ended by force a little before it is over, not given up on.
  Json request = Json::object();
  if (std::optional<double> most = context.options.timeout_s)
    request["timeout_ms"] = static_cast<int64_t>(*most * 1000 * kPatiencePart);
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    TRY(context.api.post(instance_path(aid, "/stop"), request));
    print(aid + "\n");
    return {};
  });
}

int command_rm(Context& context) {
  std::string how = context.options.force ? "?force=true" : "";
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    Json removed = TRY(context.api.remove(instance_path(aid, how)));
    print(string_at(removed, "aid", aid) + "\n");
    return {};
  });
}

}  // namespace appshot
