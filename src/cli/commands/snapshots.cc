// snapshot, sleep, wake, restore, snapshots, snapshot-rm, verify, export, import.
#include <unistd.h>

#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/transfer.h"

namespace appshot {
namespace {

std::string outcome_of(const std::string& aid, const Json& taken) {
  const Json& paused = field(taken, "longest_frozen_ms");
  return fmt::format("{}: stood still for {:.1f} ms; {} of {} stored", aid,
                     paused.is_number() ? paused.get<double>() : 0,
                     human_bytes(int_at(taken, "stored_bytes")),
                     human_bytes(int_at(taken, "memory_bytes")));
}

}  // namespace

int command_snapshot(Context& context) {
  Json list = Json::array();
  int status = for_each_id(context, [&](const std::string& aid) -> Result<> {
    Json taken = TRY(ask_with_progress(context, instance_path(aid, "/snapshot"),
                                       {{"name", context.options.name},
                                        {"stop", context.options.stop},
                                        {"sync", context.options.sync},
                                        {"full", context.options.full}},
                                       aid));
    if (!context.options.json) print(string_at(taken, "id") + "\n");
    if (!context.options.stop) print_outcome(context.options.progress, outcome_of(aid, taken));
    list.push_back(std::move(taken));
    return {};
  });
  if (context.options.json && !list.empty())
    print_json(context.options.ids.size() == 1 ? list.front() : list);
  return status;
}

int command_sleep(Context& context) {
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    TRY(ask_with_progress(context, instance_path(aid, "/sleep"), Json::object(), aid));
    print(aid + "\n");
    return {};
  });
}

Result<Json> ask_with_progress(Context& context, const std::string& path, const Json& wish,
                               const std::string& what) {
  const std::string& mode = context.options.progress;
  Result<Json> done = context.api.post_with_progress(path, wish, progress_printer(mode, what));
  end_progress(mode);
  return done;
}

void tell_of_lost(const Json& running) {
  const int64_t lost = int_at(running, "lost_connections");
  if (lost == 0) return;
  const std::string text = string_at(running, "aid") + ": " + std::to_string(lost) +
                           (lost == 1 ? " connection" : " connections") +
                           " with others could not be kept: to the program they have been reset\n";
  std::fputs(text.c_str(), stderr);
}

int command_wake(Context& context) {
  return for_each_id(context, [&](const std::string& aid) -> Result<> {
    const Json woken = TRY(ask_with_progress(context, instance_path(aid, "/wake"),
                                             {{"memory", context.options.memory}}, aid));
    print(aid + "\n");
    tell_of_lost(woken);
    return {};
  });
}

int command_restore(Context& context) {
  const Options& options = context.options;
  if (!options.as.empty() && options.ids.size() > 1)
    return fail(Error(ErrorClass::usage, "--as names one instance; give one snapshot"));
  return for_each_id(context, [&](const std::string& id) -> Result<> {
    Json restored = TRY(ask_with_progress(context, snapshot_path(id, "/restore"),
                                          {{"as", options.as}, {"memory", options.memory}}, id));
    if (options.json) {
      print_json(restored);
    } else {
      print(string_at(restored, "aid") + "\n");
      tell_of_lost(restored);
    }
    return {};
  });
}

int command_snapshots(Context& context) {
  Result<Json> answer = context.api.get("/v1/snapshots");
  if (!answer) return fail(answer.error());
  const Json& list = field(*answer, "snapshots");
  if (context.options.json) {
    print_json(list);
    return 0;
  }
  if (context.options.quiet) {
    for (const Json& snapshot : list) print(string_at(snapshot, "id") + "\n");
    return 0;
  }
  Table table({"ID", "NAME", "AID", "AGE", "PROCS", "MEMORY", "STORED", "PARENT", "COMMAND"});
  for (const Json& snapshot : list) {
    std::string name = string_at(snapshot, "name");
    std::string parent = string_at(snapshot, "parent");
    table.add({string_at(snapshot, "id"), name.empty() ? "-" : name, string_at(snapshot, "aid"),
               human_duration(int_at(snapshot, "age_ms")),
               std::to_string(int_at(snapshot, "processes")),
               human_bytes(int_at(snapshot, "memory_bytes")),
               human_bytes(int_at(snapshot, "stored_bytes")), parent.empty() ? "-" : parent,
               joined(strings_at(snapshot, "argv"), 60)});
  }
  print(table.text());
  return 0;
}

int command_snapshot_rm(Context& context) {
  return for_each_id(context, [&](const std::string& id) -> Result<> {
    Json removed = TRY(context.api.remove(snapshot_path(id)));
    print(string_at(removed, "id", id) + "\n");
    return {};
  });
}

int command_verify(Context& context) {
  return for_each_id(context, [&](const std::string& id) -> Result<> {
    TRY(context.api.post(snapshot_path(id, "/verify")));
    print(id + ": good\n");
    return {};
  });
}

int command_export(Context& context) {
  const Options& options = context.options;
  if (options.file == "-" && ::isatty(STDOUT_FILENO) == 1)
    return fail(Error(ErrorClass::usage, "an export is not for a terminal")
                    .hint("give a file, or pipe it somewhere"));
  Result<> exported =
      download(context, snapshot_path(options.ids.front(), "/export"), options.file);
  return exported ? 0 : fail(exported.error());
}

int command_import(Context& context) {
  const Options& options = context.options;
  Result<Json> imported =
      upload(context, "/v1/snapshots?name=" + percent_encode(options.name), options.file);
  if (!imported) return fail(imported.error());
  if (context.options.json) {
    print_json(*imported);
  } else {
    print(string_at(*imported, "id") + "\n");
  }
  return 0;
}

}  // namespace appshot
