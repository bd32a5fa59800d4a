// Starts a program inside the instance, as a child of init.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "isolation/own_users.h"
#include "os/unique_fd.h"
#include "protocol/harness_config.h"

namespace appshot {

struct SpawnRequest {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd = "/";
  std::string user;
  bool tty = false;  // descriptor 0 is a terminal that becomes the controlling one
  bool allow_io_uring = false;
  Privileges privileges;
  const OwnUsers* users = nullptr;  // of the instance
  int cgroup = -1;
  pid_t pid = 0;  // to have inside; 0: any
  UniqueFd streams[3];
};

// Returns the new process's id once the program has replaced us in it; an error says what could not
// be done, with errno ENOENT or EACCES for a program that cannot be run.
Result<pid_t> spawn_program(SpawnRequest request);

}  // namespace appshot
