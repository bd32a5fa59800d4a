// The three ways in which a harness comes to its instance: it launches it, restores it from an
// image, or takes it over from a harness that has died.
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>

#include "base/result.h"
#include "harness/init_link.h"
#include "harness/instance.h"
#include "harness/prepared.h"
#include "harness/session.h"
#include "os/pids.h"
#include "pager/pager.h"

namespace appshot {

struct StartedInstance {
  InitLink init;
  HostPid init_pid;
  pid_t root_pid = 0;  // inside; 0: held, not yet started
  Session::Ends ends;
  std::array<UniqueFd, 3> program_streams;  // while held: what the program will get
  int terminal_index = -1;
  std::optional<Pager> pager;  // while not all memory is in
  HarnessConfig config;        // completed by what the image or the former harness knew
};

Result<StartedInstance> launch(const HarnessConfig& config, const InstancePlaces& places,
                               const InstanceGroups& groups, Prepared& prepared);
Result<StartedInstance> restore_instance(const HarnessConfig& config, const InstancePlaces& places,
                                         const InstanceGroups& groups, Prepared& prepared,
                                         const std::function<void(const Json& event)>& tell);
Result<StartedInstance> adopt(const HarnessConfig& config, const InstancePlaces& places);

// Starts the program of an instance that was launched held.
Result<> start_launched_program(StartedInstance& instance, const InstancePlaces& places);

// Starts the program of a launched instance; returns its id inside. Streams are the instance's
// ends.
struct ProgramStart {
  std::vector<std::string> argv, env;
  std::string cwd, user;
  bool tty = false;
  bool visitor = false;
};
Result<pid_t> start_program(InitLink& init, const ProgramStart& program,
                            std::array<UniqueFd, 3> streams);

// Both ends of a program's streams.
struct StreamPair {
  Session::Ends ours;
  std::array<UniqueFd, 3> theirs;
  int terminal_index = -1;
};
Result<StreamPair> make_streams(InitLink& init, bool tty, bool stdin_open, bool keep);

}  // namespace appshot
