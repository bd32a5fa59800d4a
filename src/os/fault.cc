#include "os/fault.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
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

// Whether it is this time's turn, and the action without the number.
bool is_due(const char* name, std::string_view& action) {
  const size_t at = action.find('@');
  if (at == std::string_view::npos) return true;
  static std::mutex mutex;
  static std::map<std::string, int, std::less<>> times;
  const int turn = std::atoi(std::string(action.substr(at + 1)).c_str());
  action = action.substr(0, at);
  std::lock_guard lock(mutex);
  return ++times[name] == turn;
}

Result<> act(const char* name, std::string_view action) {
  if (!is_due(name, action)) return {};
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
