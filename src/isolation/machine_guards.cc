#include "isolation/machine_guards.h"

#include "isolation/devices.h"
#include "isolation/settings.h"
#include "os/bpf.h"

namespace appshot {

MachineGuards MachineGuards::load() { return {load_device_guard(), load_settings_guard(Share{})}; }

Result<> MachineGuards::guard_devices(int cgroup) const {
  if (!devices_) return devices_.error();
  return bpf::attach_for_good(*devices_, cgroup, BPF_CGROUP_DEVICE);
}

Result<> MachineGuards::guard_settings(int cgroup, const Share& share) const {
  const bool is_usual = !share.net && !share.ipc && !share.uts;
  if (is_usual && !settings_) return settings_.error();
  if (is_usual) return bpf::attach_for_good(*settings_, cgroup, BPF_CGROUP_SYSCTL);
  const UniqueFd other = TRY(load_settings_guard(share));
  return bpf::attach_for_good(other, cgroup, BPF_CGROUP_SYSCTL);
}

}  // namespace appshot
