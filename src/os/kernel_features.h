// What this machine has of what appshot needs, each found out by trying it: versions and
// configuration files say what could be there, not what is allowed here.
#pragma once

#include <string>
#include <vector>

namespace appshot {

struct KernelFeature {
  std::string name;
  std::string needed_for;
  bool essential = false;  // without it, launches, snapshots or restores of ordinary programs fail
  bool present = false;
  std::string detail;  // why it is not there
};

// `scratch` is a folder where instances keep their files; what is made in it for a moment is gone
// afterwards, and so are the processes and the cgroup. Threads: any.
std::vector<KernelFeature> probe_kernel_features(const std::string& scratch);

// Whether everything essential is there.
bool able(const std::vector<KernelFeature>& features);

}  // namespace appshot
