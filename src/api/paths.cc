#include "api/paths.h"

#include <unistd.h>

#include <cstdlib>

namespace appshot {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<Paths> Paths::from_environment() {
  if (std::string root = variable("APPSHOT_ROOT"); !root.empty()) {
    if (root.front() != '/')
      return Error(ErrorClass::usage, "APPSHOT_ROOT is '" + root + "', not an absolute path");
    while (root.size() > 1 && root.back() == '/') root.pop_back();
    return Paths{root + "/lib", root + "/run"};
  }
  if (::geteuid() == 0) return Paths{"/var/lib/appshot", "/run/appshot"};
  std::string data = variable("XDG_DATA_HOME");
  std::string home = variable("HOME");
  std::string run = variable("XDG_RUNTIME_DIR");
  if (data.empty() && home.empty())
    return Error(ErrorClass::usage, "neither XDG_DATA_HOME nor HOME is set")
        .hint("set one of them, or APPSHOT_ROOT to a folder of your own");
  if (data.empty()) data = home + "/.local/share";
  Paths paths{data + "/appshot", run + "/appshot"};
  if (run.empty()) paths.run_dir = paths.state_dir + "/run";
  return paths;
}

}  // namespace appshot
