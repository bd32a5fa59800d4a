#include "resources/networks/settings.h"

#include <fcntl.h>

#include <algorithm>

#include "os/file.h"

namespace appshot::networks {
namespace {

constexpr char kFolder[] = "/proc/sys/net";
constexpr std::string_view kOfDevices[] = {"/conf/", "/neigh/"};
// Follow from what the device is, or from what appshot has told its cable.
constexpr std::string_view kFollow[] = {"/mtu", "/addr_gen_mode"};

// What cannot be read cannot have been changed; counters are no settings.
void read_folder(const UniqueFd& folder, const std::string& path, Settings& into) {
  for (const std::string& name : list_folder_at(folder.get(), ".").value_or({})) {
    if (name.ends_with("_count")) continue;
    Result<std::string> text = read_record_at(folder.get(), name);
    if (text) {
      into[path + "/" + name] = *text;
    } else if (text.error().err() == EISDIR) {
      if (Result<UniqueFd> inner = open_at(folder.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        read_folder(*inner, path + "/" + name, into);
    }
  }
}

// "eth0" of ".../ipv4/conf/eth0/forwarding", between two of the three pieces; empty: of none.
struct OfDevice {
  std::string before, device, after;
};
OfDevice split(const std::string& path) {
  for (std::string_view folder : kOfDevices) {
    const size_t at = path.find(folder);
    if (at == std::string::npos) continue;
    const size_t begin = at + folder.size(), end = path.find('/', begin);
    if (end == std::string::npos) continue;
    return {path.substr(0, begin), path.substr(begin, end - begin), path.substr(end)};
  }
  return {};
}

bool follows(const std::string& path) {
  return std::ranges::any_of(kFollow, [&](std::string_view end) { return path.ends_with(end); });
}

// First what others are set by: "all", then "default", then the rest.
int rank(const std::string& path) {
  const std::string device = split(path).device;
  return device == "all" ? 0 : device == "default" ? 1 : 2;
}

}  // namespace

Settings read_settings() {
  Settings settings;
  if (Result<UniqueFd> folder = open_file(kFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    read_folder(*folder, kFolder, settings);
  return settings;
}

// A setting of all devices sets that of each, so those of devices are told all or none.
Settings differences(const Settings& own, const Settings& of_new, const std::string& cable) {
  Settings differ;
  bool of_devices = false;
  for (const auto& [path, value] : own) {
    if (follows(path)) continue;
    const OfDevice parts = split(path);
    auto same = of_new.find(path);
    if (same == of_new.end() && parts.device == cable)
      same = of_new.find(parts.before + "default" + parts.after);
    if (same != of_new.end() && same->second == value) continue;
    differ[path] = value;
    of_devices |= !parts.device.empty();
  }
  if (of_devices)
    for (const auto& [path, value] : own)
      if (!split(path).device.empty() && !follows(path)) differ[path] = value;
  return differ;
}

Result<> restore(const Settings& wanted) {
  for (int turn = 0; turn <= 2; ++turn)
    for (const auto& [path, value] : wanted) {
      if (rank(path) != turn) continue;
      Result<std::string> there = read_record_at(AT_FDCWD, path);
      if (there && *there == value) continue;
      TRY(write_file(path, value));
    }
  return {};
}

}  // namespace appshot::networks
