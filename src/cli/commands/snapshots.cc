// snapshot, sleep, wake, restore, snapshots, snapshot-rm, verify, export, import.
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace appshot {
namespace {

// `what` the progress is shown of.
Result<Json> ask(Context& context, const std::string& path, const Json& wish,
                 const std::string& what) {
  const std::string& mode = context.options.progress;
  Result<Json> done = context.api.post_with_progress(path, wish, progress_printer(mode, what));
  end_progress(mode);
  return done;
}

std::string outcome_of(const std::string& aid, const Json& taken) {
  const Json& paused = field(taken, "longest_frozen_ms");
  return fmt::format("{}: stood still for {:.1f} ms; {} of {} stored", aid,
                     paused.is_number() ? paused.get<double>() : 0,
                     human_bytes(int_at(taken, "stored_bytes")),
                     human_bytes(int_at(taken, "memory_bytes")));
}

Result<> write_whole(int fd, std::string_view bytes, const std::string& file) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::from_errno(errno, "write " + file);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Result<> copy_answer(HttpClient& http, int fd, const std::string& file) {
  std::array<char, 65536> bytes;
  for (;;) {
    size_t got = TRY(http.read_body(bytes));
    if (got == 0) return {};
    TRY(write_whole(fd, {bytes.data(), got}, file));
  }
}

// Under a name of its own until it is whole: a torn export never looks like one.
Result<> export_to_file(Context& context, const std::string& id, const std::string& file) {
  HttpClient http = TRY(context.api.connect());
  int status = TRY(http.request("GET", snapshot_path(id, "/export")));
  if (status >= 400) return context.api.refusal(http, status);
  if (file == "-") return copy_answer(http, STDOUT_FILENO, file);
  std::string partial = file + ".partial";
  UniqueFd out(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out) return Error::from_errno(errno, "cannot write " + partial);
  Result<> copied = copy_answer(http, out.get(), partial);
  if (copied && ::fsync(out.get()) != 0) copied = Error::from_errno(errno, "fsync " + partial);
  if (copied && ::rename(partial.c_str(), file.c_str()) != 0)
    copied = Error::from_errno(errno, "rename " + partial);
  if (!copied) ::unlink(partial.c_str());
  return copied;
}

Result<Json> import_from(Context& context, int fd, const std::string& file) {
  HttpClient http = TRY(context.api.connect());
  std::string target = "/v1/snapshots?name=" + percent_encode(context.options.name);
  TRY(http.begin_upload("POST", target));
  std::array<char, 65536> bytes;
  for (;;) {
    ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "read " + file);
    if (got == 0) break;
    // The daemon answers, and hangs up, as soon as it sees that this is no snapshot.
    if (!http.upload({bytes.data(), static_cast<size_t>(got)})) break;
  }
  int status = TRY(http.end_upload().within(file));
  if (status >= 400) return context.api.refusal(http, status);
  std::string answer = TRY(http.body());
  return parse_json(answer);
}

}  // namespace

int command_snapshot(Context& context) {
  Json list = Json::array();
  int status = for_each_id(context, [&](const std::string& aid) -> Result<> {
    Json taken = TRY(ask(context, instance_path(aid, "/snapshot"),
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
    TRY(ask(context, instance_path(aid, "/sleep"), Json::object(), aid));
    print(aid + "\n");
    return {};
  });
}

// Beside what scripts read.
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
    const Json woken = TRY(ask(context, instance_path(aid, "/wake"), {{"memory", context.options.memory}}, aid));
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
    Json restored = TRY(ask(context, snapshot_path(id, "/restore"),
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
  Result<> exported = export_to_file(context, options.ids.front(), options.file);
  return exported ? 0 : fail(exported.error());
}

int command_import(Context& context) {
  const std::string& file = context.options.file;
  UniqueFd opened;
  if (file != "-") {
    opened.reset(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
      Error error = Error::from_errno(errno, "open " + file);
      return fail(error.err() == ENOENT ? std::move(error).as(ErrorClass::not_found) : error);
    }
  }
  Result<Json> imported = import_from(context, file == "-" ? STDIN_FILENO : opened.get(), file);
  if (!imported) return fail(imported.error());
  if (context.options.json) {
    print_json(*imported);
  } else {
    print(string_at(*imported, "id") + "\n");
  }
  return 0;
}

}  // namespace appshot
