// What each command takes.
#include "cli/grammar.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>

#include "base/size.h"

namespace appshot {
namespace {

void json_option(CLI::App& app, Options& o) {
  app.add_flag("--json", o.json, "One JSON document, times in milliseconds, sizes in bytes");
}

void listing_options(CLI::App& app, Options& o) {
  json_option(app, o);
  app.add_flag("-q,--quiet", o.quiet, "Ids only");
}

void ids_argument(CLI::App& app, Options& o, const char* name, const char* what) {
  app.add_option(name, o.ids, what)->required();
}

void one_id_argument(CLI::App& app, Options& o, const char* name, const char* what) {
  auto keep = [&o](const std::string& id) { o.ids = {id}; };
  app.add_option_function<std::string>(name, keep, what)->required();
}

void aids_argument(CLI::App& app, Options& o) {
  ids_argument(app, o, "AID", "The instances: an AID, or a unique prefix of a generated one");
}

void progress_option(CLI::App& app, Options& o) {
  app.add_option("--progress", o.progress, "auto, plain (lines) or none")
      ->check(CLI::IsMember({"auto", "plain", "none"}));
}

void program_options(CLI::App& app, Options& o) {
  app.add_flag("-i,--interactive", o.interactive, "Pass standard input on");
  app.add_flag("-t,--tty", o.tty, "Give it a terminal");
  app.add_option("-e", o.env, "Set a variable, KEY=VALUE; KEY alone passes ours on (repeatable)")
      ->allow_extra_args(false);
  app.add_option("-w,--workdir", o.workdir, "Folder to start in");
  app.add_option("--user", o.user, "UID[:GID] or NAME[:GROUP] to run as");
}

std::string more_than_none(const std::string& text, const char* example) {
  char* end = nullptr;
  const bool is = std::strtod(text.c_str(), &end) > 0 && *end == '\0';
  return is ? "" : "'" + text + "' is not a limit: " + example + " is one";
}

void limit_options(CLI::App& app, Options& o) {
  app.add_option("--memory", o.memory_limit, "The most memory it may have: 512M, 2G, 1.5GiB")
      ->check([](const std::string& text) {
        const Result<int64_t> size = parse_size(text);
        return size ? "" : size.error().message() + ": 512M, 2G or 1.5GiB is one";
      });
  app.add_option("--cpus", o.cpus, "The most processors it may use at a time: 2, 0.5")
      ->check([](const std::string& text) { return more_than_none(text, "0.5 or 2"); });
  app.add_option("--pids", o.pids, "The most processes and threads it may have")
      ->check([](const std::string& text) { return more_than_none(text, "100"); });
}

void privilege_options(CLI::App& app, Options& o) {
  app.add_option("--cap-add", o.cap_add, "Give it a capability, or ALL (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--cap-drop", o.cap_drop, "Take one of the usual ones, or ALL (repeatable)")
      ->allow_extra_args(false);
  app.add_flag("--allow-setuid", o.allow_setuid,
               "Let setuid programs give who runs them more (su, sudo)");
  app.add_flag("--userns", o.userns, "Give it users of its own: root inside is nobody outside");
  app.add_flag("--privileged", o.privileged,
               "As root on the host: every capability, device and call");
}

void setup_run(CLI::App& app, Options& o) {
  app.add_option("--name", o.name, "The AID; else one is made up");
  app.add_flag("-d,--detach", o.detach, "Print the AID and leave it running");
  program_options(app, o);
  app.add_option("--env", o.environment, "The environment to run in; else the host's files");
  app.add_option("-v,--volume", o.public_paths,
                 "HOSTPATH:PATH[:ro]: show a path of the host, shared with it (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--rules", o.rules, "A file of rules: where paths lead (docs/rules.md)");
  app.add_option("--hostname", o.hostname, "The host name it sees; else its AID");
  app.add_flag("--rm", o.rm, "Remove the instance when it ends");
  app.add_option("--share", o.share, "Do not isolate fs, net, ipc, uts or time (repeatable)")
      ->allow_extra_args(false);
  app.add_option("-p,--publish", o.ports,
                 "[ADDRESS:]PORT:PORT[/udp]: lead a port of this machine to one of the instance's"
                 " (repeatable)")
      ->allow_extra_args(false);
  app.add_flag("--allow-io-uring", o.allow_io_uring,
               "Allow io_uring; the instance can then not be captured while it uses it");
  privilege_options(app, o);
  limit_options(app, o);
  app.add_option("CMD", o.argv, "The program and its arguments");
}

void setup_exec(CLI::App& app, Options& o) {
  app.add_flag("-d,--detach", o.detach,
               "Leave it running, as a part of the application: in its snapshots, too");
  program_options(app, o);
  one_id_argument(app, o, "AID", "The instance");
  app.add_option("CMD", o.argv, "The program and its arguments");
}

void setup_ps(CLI::App& app, Options& o) {
  app.add_flag("-a,--all", o.all, "Stopped and failed ones too");
  listing_options(app, o);
}

void setup_logs(CLI::App& app, Options& o) {
  app.add_flag("-f,--follow", o.follow, "Go on with what comes");
  json_option(app, o);
  one_id_argument(app, o, "AID", "The instance");
}

void setup_kill(CLI::App& app, Options& o) {
  app.add_option("-s,--signal", o.signal, "Name or number (TERM); KILL ends all of it");
  app.add_option("--pid", o.virtual_pid, "A process by its pid inside; else the program itself");
  aids_argument(app, o);
}

void setup_rm(CLI::App& app, Options& o) {
  app.add_flag("-f,--force", o.force, "Running and sleeping ones too");
  aids_argument(app, o);
}

void setup_snapshot(CLI::App& app, Options& o) {
  app.add_flag("--stop", o.stop, "End the instance with it");
  app.add_flag("--full", o.full, "Store everything, also what an earlier snapshot has already");
  app.add_flag("--sync", o.sync, "Wait until the disk has it");
  app.add_option("--name", o.name, "A name for the snapshot");
  json_option(app, o);
  progress_option(app, o);
  aids_argument(app, o);
}

void memory_options(CLI::App& app, Options& o) {
  auto* lazy = app.add_flag_callback(
      "--lazy", [&o] { o.memory = "lazy"; }, "Let it run while its memory comes in");
  app.add_flag_callback(
         "--eager", [&o] { o.memory = "eager"; }, "Have all of its memory there first")
      ->excludes(lazy);
}

void setup_restore(CLI::App& app, Options& o) {
  app.add_option("--as", o.as, "Restore it under this AID");
  memory_options(app, o);
  json_option(app, o);
  progress_option(app, o);
  ids_argument(app, o, "SNAPSHOT", "Id, unique prefix, or name");
}

void setup_with_progress(CLI::App& app, Options& o) {
  progress_option(app, o);
  aids_argument(app, o);
}

void setup_wake(CLI::App& app, Options& o) {
  memory_options(app, o);
  setup_with_progress(app, o);
}

void setup_template(CLI::App& app, Options& o) {
  app.add_option("--name", o.name, "A name for the template");
  app.add_flag("--warm", o.warm, "Keep in memory what clones are made from");
  json_option(app, o);
  progress_option(app, o);
  one_id_argument(app, o, "FROM", "A snapshot, another template, or an instance, which runs on");
}

void setup_template_ids(CLI::App& app, Options& o) {
  ids_argument(app, o, "TEMPLATE", "Ids, unique prefixes, or names");
}

void setup_clone(CLI::App& app, Options& o) {
  app.add_option("-n,--count", o.count, "How many (1)");
  app.add_option("--name", o.name,
                 "The AID; {n} stands for a number, the lowest that is free: web-{n}");
  app.add_option("-e", o.env,
                 "Set a variable for rules and for programs that are run in it later, KEY=VALUE;"
                 " KEY alone passes ours on (repeatable)")
      ->allow_extra_args(false);
  app.add_option("-p,--publish", o.ports,
                 "[ADDRESS:]PORT:PORT[/udp]: lead a port of this machine to one of the clone's;"
                 " port 0 chooses one for each (repeatable)")
      ->allow_extra_args(false);
  app.add_option(
         "--connections", o.connections,
         "Established ones with others outside: close (clones find them reset; the default), "
         "keep-first (the first clone has them, where nobody else can), refuse")
      ->check(CLI::IsMember({"close", "keep-first", "refuse"}));
  memory_options(app, o);
  listing_options(app, o);
  progress_option(app, o);
  one_id_argument(app, o, "FROM", "A template, a snapshot, or an instance, which runs on");
}

void setup_events(CLI::App& app, Options& o) {
  app.add_flag("-f,--follow", o.follow, "Go on with what comes");
  json_option(app, o);
  auto keep = [&o](const std::string& id) { o.ids = {id}; };
  app.add_option_function<std::string>("AID", keep, "Only of this instance");
}

void setup_export(CLI::App& app, Options& o) {
  one_id_argument(app, o, "SNAPSHOT", "Id, unique prefix, or name");
  app.add_option("FILE", o.file, "Where to write it; - is standard output")->required();
}

void setup_import(CLI::App& app, Options& o) {
  app.add_option("--name", o.name, "A name for the snapshot");
  json_option(app, o);
  app.add_option("FILE", o.file, "What export has written; - is standard input")->required();
}

void setup_check(CLI::App& app, Options& o) {
  json_option(app, o);
  app.add_option("AID", o.ids, "Instances; without one, this machine");
}

template <bool kJson>
void setup_aids(CLI::App& app, Options& o) {
  if (kJson) json_option(app, o);
  aids_argument(app, o);
}

void setup_inspect(CLI::App& app, Options& o) {
  json_option(app, o);
  ids_argument(app, o, "ID", "Instances or snapshots");
}

void setup_attach(CLI::App& app, Options& o) { one_id_argument(app, o, "AID", "The instance"); }

void setup_snapshot_ids(CLI::App& app, Options& o) {
  ids_argument(app, o, "SNAPSHOT", "Ids, unique prefixes, or names");
}

void setup_system(CLI::App& app, Options& o) {
  json_option(app, o);
  app.add_option("ACTION", o.action, "df: what is used on disk")
      ->required()
      ->check([](const std::string& text) { return text == "df" ? "" : "system knows df"; });
}

void setup_daemon(CLI::App& app, Options& o) {
  json_option(app, o);
  app.add_option("ACTION", o.action, "stop or status; without one, runs it in the foreground")
      ->check([](const std::string& text) {
        return text == "stop" || text == "status" ? "" : "daemon knows stop and status";
      });
}

void setup_completion(CLI::App& app, Options& o) {
  app.add_option("SHELL", o.action, "bash, zsh or fish")
      ->required()
      ->check([](const std::string& text) {
        return text == "bash" || text == "zsh" || text == "fish" ? ""
                                                                 : "it is for bash, zsh or fish";
      });
}

void environment_argument(CLI::App& app, Options& o) {
  app.add_option("NAME", o.environment, "The environment")->required();
}

void setup_environment(CLI::App& app, Options& o) {
  json_option(app, o);
  environment_argument(app, o);
}

void allow_public_option(CLI::App& app, Options& o) {
  app.add_flag("--allow-public", o.allow_public,
               "Its rules may share files of this machine with its programs");
}

void setup_env_create(CLI::App& app, Options& o) {
  app.add_option("--from", o.from,
                 "What it begins with: host (the host's files), another environment, the folder of"
                 " a root file system, or an OCI image layout, FOLDER[:TAG]");
  allow_public_option(app, o);
  progress_option(app, o);
  setup_environment(app, o);
}

// A program in an environment, to install something or to try something.
void setup_env_program(CLI::App& app, Options& o) {
  program_options(app, o);
  app.add_option("--share", o.share, "Do not isolate net, ipc, uts or time (repeatable)")
      ->allow_extra_args(false);
  app.add_option("-v,--volume", o.public_paths, "HOSTPATH:PATH[:ro]: show a path of the host")
      ->allow_extra_args(false);
  environment_argument(app, o);
  app.add_option("CMD", o.argv, "The program and its arguments");
}

void setup_env_copy(CLI::App& app, Options& o) {
  setup_environment(app, o);
  app.add_option("COPY", o.to, "The name of the copy")->required();
}

void setup_env_rules(CLI::App& app, Options& o) {
  auto* everybody = app.add_flag("--everybody", o.everybody, "Those that hold for every instance");
  app.add_option("NAME", o.environment, "The environment; not with --everybody")
      ->excludes(everybody);
  auto* set = app.add_option("--set", o.file, "Take them from this file; - is standard input");
  app.add_flag_callback(
         "--edit", [&o] { o.action = "edit"; }, "Change them in an editor ($VISUAL, $EDITOR, vi)")
      ->excludes(set);
  json_option(app, o);
}

void setup_env_diff(CLI::App& app, Options& o) {
  app.add_flag("-a,--all", o.all, "What all installations have changed, not the last alone");
  setup_environment(app, o);
}

void setup_env_export(CLI::App& app, Options& o) {
  auto* oci = app.add_option("--oci", o.oci, "Make an OCI image layout, FOLDER[:TAG]");
  auto* folder = app.add_option("--folder", o.folder,
                                "Make a folder that can be used where it is, by many nodes");
  folder->excludes(oci);
  progress_option(app, o);
  environment_argument(app, o);
  app.add_option("FILE", o.file, "Where to write it; - is standard output")
      ->excludes(oci)
      ->excludes(folder);
}

void setup_env_import(CLI::App& app, Options& o) {
  app.add_option("--name", o.name, "What it is to be called; else as it was");
  allow_public_option(app, o);
  json_option(app, o);
  app.add_option("FILE", o.file, "What export has written; - is standard input")->required();
}

void setup_env_resolve(CLI::App& app, Options& o) {
  app.add_option("--as", o.as, "As that instance finds it");
  setup_environment(app, o);
  app.add_option("PATH", o.path, "As an application would ask for it")->required();
}

constexpr std::array kCommands{
    Command{"run", "Launch an application as an instance", setup_run},
    Command{"ps", "List instances", setup_ps},
    Command{"inspect", "Everything about an instance or a snapshot", setup_inspect},
    Command{"rids", "Virtual and system ids of an instance's resources", setup_aids<true>},
    Command{"exec", "Run a further program in an instance", setup_exec},
    Command{"attach", "Connect to an instance's input and output", setup_attach},
    Command{"logs", "Print what an instance has written", setup_logs},
    Command{"kill", "Send a signal", setup_kill},
    Command{"stop", "Terminate instances", setup_aids<false>},
    Command{"rm", "Remove instances", setup_rm},
    Command{"snapshot", "Snapshot instances; they keep running", setup_snapshot},
    Command{"restore", "Run a snapshot", setup_restore},
    Command{"sleep", "Put instances to sleep", setup_with_progress},
    Command{"wake", "Wake instances", setup_wake},
    Command{"snapshots", "List snapshots", listing_options},
    Command{"snapshot-rm", "Remove snapshots", setup_snapshot_ids},
    Command{"verify", "Check every byte of a snapshot", setup_snapshot_ids},
    Command{"export", "Write a snapshot as one file", setup_export},
    Command{"import", "Read a snapshot from such a file", setup_import},
    Command{"template", "Keep a snapshot or an instance for clones to be made from",
            setup_template},
    Command{"templates", "List templates", listing_options},
    Command{"template-rm", "Remove templates; their clones stay", setup_template_ids},
    Command{"clone", "Make instances of a template, a snapshot or an instance", setup_clone},
    Command{"env ls", "List environments", listing_options},
    Command{"env create", "Make an environment", setup_env_create},
    Command{"env install", "Run an installer in one, and keep what it changes", setup_env_program},
    Command{"env exec", "Run a program in one, and keep nothing", setup_env_program},
    Command{"env copy", "Make another of the same layers", setup_env_copy},
    Command{"env rules", "Show or change where paths lead in one", setup_env_rules},
    Command{"env resolve", "Tell where a path leads in one, and by which rule", setup_env_resolve},
    Command{"env diff", "Tell what an installation has changed", setup_env_diff},
    Command{"env export", "Write one as a file, a folder or an OCI image", setup_env_export},
    Command{"env import", "Read one from such a file", setup_env_import},
    Command{"env rm", "Remove an environment", setup_environment},
    Command{"ports", "Published ports and where they lead", listing_options},
    Command{"endpoints", "Virtual addresses, where they lead, and what has gone there",
            listing_options},
    Command{"check", "What stands in the way of a snapshot, or what this machine supports",
            setup_check},
    Command{"events", "What has happened", setup_events},
    Command{"why", "Why an instance is in its state", setup_aids<true>},
    Command{"system", "Disk usage", setup_system},
    Command{"daemon", "The node daemon; it starts itself otherwise", setup_daemon},
    Command{"completion", "A completion script for a shell", setup_completion},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace appshot
