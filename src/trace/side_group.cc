#include "trace/side_group.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace appshot {
namespace {

// Beside the application's; init knows the name as well (init.cc).
std::string place_beside(const Cgroup& application) {
  return application.path().substr(0, application.path().find_last_of('/')) + "/traced";
}

}  // namespace

Result<SideGroup> SideGroup::make(const Cgroup& application) {
  SideGroup group(application, TRY(Cgroup::create(place_beside(application))));
  TRY(group.freeze());
  return group;
}

SideGroup::SideGroup(SideGroup&& other) noexcept
    : application_(other.application_), group_(std::exchange(other.group_, std::nullopt)) {}

SideGroup::~SideGroup() {
  if (group_) (void)!give_back();
}

Result<> SideGroup::take(HostPid process) { return group_->take(process.value); }

Result<> SideGroup::give_back() {
  const Cgroup group = std::move(*std::exchange(group_, std::nullopt));
  Result<> given;
  for (pid_t pid : TRY(group.processes())) {
    Result<> one = application_->take(pid);
    if (!one && one.error().err() != ESRCH) given = std::move(one);
  }
  TRY(group.thaw());
  TRY(std::move(given));
  return group.remove();
}

Result<> SideGroup::clear(const Cgroup& application) {
  const std::string place = place_beside(application);
  if (::access(place.c_str(), F_OK) != 0) return {};
  return SideGroup(application, TRY(Cgroup::open(place))).give_back();
}

}  // namespace appshot
