// Programs that the daemon starts: in a session of their own, with nothing of the daemon's but the
// descriptors they are given.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

// The descriptor `fd` becomes `place` there. Standard ones that are not given lead to /dev/null;
// but for standard error, which stays the daemon's, its log.
struct GivenDescriptor {
  int fd;
  int place;
};

// By the file of that name; `argv` begins with what it calls itself. Errors are not the user's
// program's: they bear no errno.
Result<pid_t> start_child(const std::string& program, const std::vector<std::string>& argv,
                          const std::vector<GivenDescriptor>& given);

// A program of ours that lies beside the daemon's own.
std::string program_beside(const std::string& name);

}  // namespace appshot
