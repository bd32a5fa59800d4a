// Process 1 of an instance: builds the instance's world, starts programs in it, reaps, and keeps
// what must outlive a harness. It is made anew at every restore and never captured.
//
// It is told what to do over a channel (see Command below). If that channel closes, the harness has
// died: init makes sure that the application is not left frozen, keeps the descriptors that were
// entrusted to it (the terminal, the output pipes) open, and waits on its socket for a new harness.
// Until `commit` it dies with its harness instead, and everything in the instance with it: a launch
// or restore that fails half way leaves nothing.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "isolation/file_world.h"
#include "os/unique_fd.h"
#include "protocol/channel.h"
#include "protocol/harness_config.h"

namespace appshot {

// What init holds on behalf of a harness that may die, by name.
using KeptDescriptors = std::map<std::string, UniqueFd>;

// Among them, from the beginning: the instance's mountinfo when its world had been built.
inline constexpr char kKeptMounts[] = "mounts";

struct InitSetup {
  FileWorld files;
  std::string host_name;                 // empty: as it is
  std::string domain_name;               // the same
  Channel control;                       // to the harness
  UniqueFd listener;                     // for a harness that takes over; may be empty
  UniqueFd freeze_control;               // the application's cgroup.freeze, open for writing
  UniqueFd application_group;            // cgroup folder that the application's processes start in
  UniqueFd visitor_group;                // and those of `exec`
  std::vector<UniqueFd> limited_groups;  // of cgroup v1: what it becomes a member by
  bool allow_io_uring = false;
  Privileges privileges;  // of the programs it starts
  // Runs once the world is built and before anyone is told: a restore makes its processes here.
  // Forks of it do not return from it. Descriptors it puts into `kept` stay with init; what it
  // tells goes to the harness.
  using Tell = std::function<void(const Json& event)>;
  std::function<Result<>(KeptDescriptors& kept, const Tell& tell)> populate;
  std::vector<int>
      populate_uses;  // descriptors of the harness that populate needs; closed after it
};

// What it is asked. Requests are {"op": …}, each answered by {"ok": true, …} or {"error": {…}};
// unasked it sends {"event": "ended", "pid": N, "status": N, "visitor": bool} and
// {"event": "empty"}.
namespace init_op {
inline constexpr char kSpawn[] =
    "spawn";  // argv env cwd user tty visitor; fds: stdin stdout stderr
inline constexpr char kTerminal[] = "terminal";  // keep; answers with the master of a new terminal
inline constexpr char kKeep[] = "keep";          // fds and their names, kept until told otherwise
inline constexpr char kForget[] = "forget";      // closes the kept descriptors of these names
inline constexpr char kFetch[] = "fetch";    // answers with all kept descriptors and their names
inline constexpr char kCommit[] = "commit";  // from now on live without the harness
inline constexpr char kSignal[] = "signal";  // signal, pid (as it is inside)
}  // namespace init_op

// Names of what it keeps, besides the streams and the terminal.
namespace init_kept {
inline constexpr char kPager[] = "pager";           // pidfd of who brings in the memory
inline constexpr char kPagerPage[] = "pager-page";  // how far that has come
}  // namespace init_kept

// The body of process 1; returns only by ending the process.
[[noreturn]] void run_init(InitSetup setup);

}  // namespace appshot
