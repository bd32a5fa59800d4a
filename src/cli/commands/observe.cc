// logs, events, why, check, system: looking without touching.
#include <unistd.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/text.h"
#include "protocol/base64.h"

namespace appshot {
namespace {

std::string event_line(const Json& event) {
  return clock_time(int_at(event, "time_ms")) + "  " + string_at(event, "kind") + "  " +
         string_at(event, "text") + "\n";
}

int check_machine(Context& context) {
  Result<Json> answer = context.api.get("/v1/check");
  if (!answer) return fail(answer.error());
  int status = bool_at(*answer, "able") ? 0 : exit_status_of(ErrorClass::mismatch);
  if (context.options.json) {
    print_json(*answer);
    return status;
  }
  Table table({"FEATURE", "PRESENT", "NEEDED FOR"});
  std::vector<Obstacle> lacks;
  for (const Json& feature : field(*answer, "features")) {
    bool essential = bool_at(feature, "essential");
    std::string present = bool_at(feature, "present") ? "yes" : essential ? "NO" : "no (optional)";
    table.add({string_at(feature, "name"), present, string_at(feature, "needed_for")});
    if (essential && !bool_at(feature, "present"))
      lacks.push_back({string_at(feature, "name") + ": " + string_at(feature, "detail"), ""});
  }
  print(table.text());
  if (lacks.empty()) return status;
  return fail(Error(ErrorClass::mismatch, "this machine lacks what appshot needs")
                  .hint("appshot needs root and Linux 6.7 or newer; a container has to allow "
                        "namespaces, mounts and ptrace")
                  .with_obstacles(std::move(lacks)));
}

void print_list(const std::string& head, const Json& entries) {
  for (const Json& entry : entries) {
    bool plain = entry.is_string();
    print("  " + head + (plain ? entry.get<std::string>() : string_at(entry, "what")) + "\n");
    std::string hint = plain ? "" : string_at(entry, "hint");
    if (!hint.empty()) print("    hint: " + hint + "\n");
  }
}

}  // namespace

int command_logs(Context& context) {
  const Options& options = context.options;
  std::string target = instance_path(options.ids.front(), "/logs");
  if (options.follow) target += "?follow=true";
  Result<> read = context.api.lines(target, [&](const std::string& line) -> Result<> {
    if (options.json) {
      print(line + "\n");
      return {};
    }
    Json entry = TRY(parse_json(line));
    // What is no text stands there twice: as something to look at, and byte for byte.
    std::string exact = string_at(entry, "b");
    std::string bytes = exact.empty() ? string_at(entry, "d") : TRY(base64_decode(exact));
    print_to(string_at(entry, "s") == "stderr" ? STDERR_FILENO : STDOUT_FILENO, bytes);
    return {};
  });
  return read ? 0 : fail(read.error());
}

int command_events(Context& context) {
  const Options& options = context.options;
  std::string target = "/v1/events?limit=1000";
  if (options.follow) target += "&follow=true";
  if (!options.ids.empty()) target += "&aid=" + percent_encode(options.ids.front());
  Json list = Json::array();
  Result<> read = context.api.lines(target, [&](const std::string& line) -> Result<> {
    Json event = TRY(parse_json(line));
    if (options.json && options.follow) {
      print(line + "\n");
    } else if (options.json) {
      list.push_back(std::move(event));
    } else {
      print(event_line(event));
    }
    return {};
  });
  if (!read) return fail(read.error());
  if (options.json && !options.follow) print_json(list);
  return 0;
}

int command_why(Context& context) {
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    Json answer = TRY(context.api.get(instance_path(aid, "/why")));
    if (context.options.json) {
      print_json(answer);
      return {};
    }
    print(string_at(answer, "aid") + " is " + string_at(answer, "state") + " since " +
          clock_time(int_at(answer, "changed_ms")) + ": " + string_at(answer, "why") + "\n");
    for (const Json& event : field(answer, "events")) print("  " + event_line(event));
    return {};
  });
}

int command_check(Context& context) {
  if (context.options.ids.empty()) return check_machine(context);
  bool obstructed = false;
  Json list = Json::array();
  int status = for_each_id(context, [&](const std::string& aid) -> Result<> {
    Json answer = TRY(context.api.get(instance_path(aid, "/check")));
    const Json& obstacles = field(answer, "obstacles");
    const Json& warnings = field(answer, "warnings");
    obstructed = obstructed || (obstacles.is_array() && !obstacles.empty());
    if (context.options.json) {
      answer["aid"] = aid;
      list.push_back(std::move(answer));
      return {};
    }
    bool clear = obstacles.empty();
    print(aid + (clear ? ": can be captured\n" : ": cannot be captured\n"));
    print_list("", obstacles);
    print_list("warning: ", warnings);
    return {};
  });
  if (context.options.json && !list.empty())
    print_json(context.options.ids.size() == 1 ? list.front() : list);
  if (status == 0 && obstructed) return exit_status_of(ErrorClass::refused);
  return status;
}

int command_system(Context& context) {
  Result<Json> answer = context.api.get("/v1/system/df");
  if (!answer) return fail(answer.error());
  if (context.options.json) {
    print_json(*answer);
    return 0;
  }
  Table table({"WHAT", "ON DISK", "MEMORY"});
  for (const Json& snapshot : field(*answer, "snapshots")) {
    std::string what =
        "snapshot " + string_at(snapshot, "id") + " of " + string_at(snapshot, "aid");
    if (!string_at(snapshot, "owner").empty()) what += " (asleep)";
    table.add({what, human_bytes(int_at(snapshot, "disk_bytes")),
               human_bytes(int_at(snapshot, "memory_bytes"))});
  }
  table.add({"instances", human_bytes(int_at(*answer, "instances_bytes")), "-"});
  table.add({"all of " + string_at(*answer, "state_dir"),
             human_bytes(int_at(*answer, "total_bytes")), "-"});
  print(table.text());
  return 0;
}

}  // namespace appshot
