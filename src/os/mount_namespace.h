// A look into another mount namespace. A thread that enters one takes its root and working
// directory there, which threads share: so it is one of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/proc/mountinfo.h"
#include "os/unique_fd.h"

namespace appshot {

// `body` runs with the namespace's root as its own. `path` leads to the namespace.
Result<> in_mount_namespace(const std::string& path, const std::function<Result<>()>& body);

struct MountNamespace {
  UniqueFd root;  // O_PATH
  std::vector<proc::Mount> mounts;
};
Result<MountNamespace> look_into_mount_namespace(const std::string& path);

// The mount at that point of a namespace, as if nothing were mounted on it.
Result<UniqueFd> open_uncovered(const std::string& path, const std::string& point);

// The calling process's root, and its namespace's, becomes that mount, which is mounted there; of
// the former nothing is left in the namespace.
Result<> make_root(int mount);

// Of a file, by the mount it was reached through; follows a link of /proc.
Result<uint64_t> mount_of(const std::string& path);
Result<uint64_t> mount_of(int fd);

}  // namespace appshot
