// What keeps an instance from what is the machine's: programs that the kernel asks about devices
// and settings. Loading one takes the kernel longer than attaching it, so they are loaded before
// anyone knows whose they will be.
#pragma once

#include "base/result.h"
#include "isolation/share.h"
#include "os/unique_fd.h"

namespace appshot {

class MachineGuards {
 public:
  // For instances that share nothing. What fails fails when it is needed.
  static MachineGuards load();

  // For everybody in a folder of cgroup v2 and below it, for as long as that exists. Class
  // unsupported where the kernel runs no such program.
  Result<> guard_devices(int cgroup) const;
  Result<> guard_settings(int cgroup, const Share& share) const;

 private:
  MachineGuards(Result<UniqueFd> devices, Result<UniqueFd> settings)
      : devices_(std::move(devices)), settings_(std::move(settings)) {}

  Result<UniqueFd> devices_;
  Result<UniqueFd> settings_;
};

}  // namespace appshot
