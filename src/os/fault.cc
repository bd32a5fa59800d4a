#include "os/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace appshot {
namespace {

struct Named {
  std::string_view name;
  int err;
};
constexpr Named kErrors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"ENOMEM", ENOMEM},
                             {"EPERM", EPERM},   {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN},
                             {"EBUSY", EBUSY}};

Result<> act(const char* name, std::string_view action) {
  if (action == "kill") {
    ::kill(::getpid(), SIGKILL);
    ::_exit(128 + SIGKILL);  // process 1 of a namespace cannot kill itself
  }
  if (action == "stop") {
    ::kill(::getpid(), SIGSTOP);
    return {};
  }
  for (const Named& error : kErrors)
    if (error.name == action)
      return Error::from_errno(error.err, std::string("fault point ") + name);
  return Error(ErrorClass::usage,
               "APPSHOT_FAULT: there is no action '" + std::string(action) + "'");
}

}  // namespace

Result<> fault_point(const char* name) {
  static const char* const wanted = ::getenv("APPSHOT_FAULT");
  if (wanted == nullptr) return {};
  std::string_view rest(wanted);
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    size_t colon = one.find(':');
    if (colon != std::string_view::npos && one.substr(0, colon) == name)
      return act(name, one.substr(colon + 1));
  }
  return {};
}

}  // namespace appshot
