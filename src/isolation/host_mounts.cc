#include "isolation/host_mounts.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "os/file.h"
#include "os/proc/mountinfo.h"

namespace appshot {
namespace {

// Views of the kernel, or made anew for each instance: nothing a private layer could be put over.
constexpr std::array<std::string_view, 22> kNotFiles{
    "proc",     "sysfs",      "devtmpfs", "devpts",      "mqueue",     "cgroup",
    "cgroup2",  "debugfs",    "tracefs",  "bpf",         "securityfs", "pstore",
    "configfs", "fusectl",    "autofs",   "binfmt_misc", "hugetlbfs",  "efivarfs",
    "nsfs",     "rpc_pipefs", "nfsd",     "selinuxfs"};

bool below(std::string_view path, std::string_view folder) {
  return path == folder ||
         (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

}  // namespace

std::vector<HostMount> parse_host_mounts(std::string_view mountinfo) {
  std::vector<HostMount> mounts;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream left(line.substr(0, dash)), right(line.substr(dash + 3));
    std::string id, parent, device, root, point, options, type, source, file_system_options;
    left >> id >> parent >> device >> root >> point >> options;
    right >> type >> source >> file_system_options;
    point = proc::unescape_mountinfo(point);
    // A later mount on the same place hides the earlier one.
    std::erase_if(mounts,
                  [&](const HostMount& m) { return below(m.point, point) && m.point != "/"; });
    bool of_kernel = std::find(kNotFiles.begin(), kNotFiles.end(), type) != kNotFiles.end();
    if (of_kernel || below(point, "/dev") || below(point, "/proc") || below(point, "/sys"))
      continue;
    if (point == "/" && !mounts.empty()) mounts.clear();
    bool read_only = options.starts_with("ro") || file_system_options.starts_with("ro");
    mounts.push_back({point, type, read_only});
  }
  std::stable_sort(mounts.begin(), mounts.end(),
                   [](const HostMount& a, const HostMount& b) { return a.point < b.point; });
  return mounts;
}

Result<std::vector<HostMount>> host_mounts() {
  return parse_host_mounts(TRY(read_file("/proc/self/mountinfo")));
}

std::string layer_name(const std::string& mount_point) {
  if (mount_point == "/") return "root";
  std::string name = "at%";
  for (char c : mount_point.substr(1)) {
    if (c == '/') {
      name.push_back('%');
    } else if (c == '%' || c == '=') {
      name += c == '%' ? "=25" : "=3d";
    } else {
      name.push_back(c);
    }
  }
  return name;
}

std::string layer_mount_point(const std::string& layer) {
  if (layer == "root") return "/";
  std::string point;
  for (size_t i = 2; i < layer.size(); ++i) {
    std::string_view rest = std::string_view(layer).substr(i);
    if (rest.starts_with("=25") || rest.starts_with("=3d")) {
      point.push_back(rest[1] == '2' ? '%' : '=');
      i += 2;
    } else {
      point.push_back(layer[i] == '%' ? '/' : layer[i]);
    }
  }
  return point;
}

}  // namespace appshot
