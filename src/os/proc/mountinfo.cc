#include "os/proc/mountinfo.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <cstdio>
#include <sstream>

namespace appshot::proc {
namespace {

int number_behind(const std::string& field, std::string_view name) {
  return field.starts_with(name) ? std::atoi(field.c_str() + name.size()) : 0;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
Result<Mount> parse_line(const std::string& line) {
  std::istringstream fields(line);
  Mount mount;
  std::string device, root, point, field, source;
  fields >> mount.id >> mount.parent >> device >> root >> point >> mount.options;
  unsigned major = 0, minor = 0;
  const bool has_device = std::sscanf(device.c_str(), "%u:%u", &major, &minor) == 2;
  while (fields >> field && field != "-") {
    if (const int group = number_behind(field, "shared:"); group != 0) mount.group = group;
    if (const int master = number_behind(field, "master:"); master != 0) mount.master = master;
    mount.unbindable |= field == "unbindable";
  }
  fields >> mount.type;
  // The source may be empty: then two blanks follow one another.
  fields.ignore(1);
  std::getline(fields, source, ' ');
  fields >> mount.system_options;
  if (!fields || !has_device) return Error(ErrorClass::corrupt, "mountinfo has the line " + line);
  mount.device = makedev(major, minor);
  mount.root = unescape_mountinfo(root);
  mount.point = unescape_mountinfo(point);
  mount.source = unescape_mountinfo(source);
  return mount;
}

struct OptionName {
  std::string_view name;
  uint64_t attribute;
};
constexpr OptionName kOptions[] = {{"ro", MOUNT_ATTR_RDONLY},
                                   {"rw", 0},
                                   {"nosuid", MOUNT_ATTR_NOSUID},
                                   {"nodev", MOUNT_ATTR_NODEV},
                                   {"noexec", MOUNT_ATTR_NOEXEC},
                                   {"noatime", MOUNT_ATTR_NOATIME},
                                   {"relatime", 0},
                                   {"nodiratime", MOUNT_ATTR_NODIRATIME},
                                   {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW}};

}  // namespace

std::string unescape_mountinfo(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    const char* digits = text.c_str() + i + 1;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(digits, digits + 3, value, 8).ptr == digits + 3) {
      out.push_back(static_cast<char>(value));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) mounts.push_back(TRY(parse_line(line)));
  return mounts;
}

std::vector<std::string> split_options(std::string_view options) {
  std::vector<std::string> out;
  std::istringstream all{std::string(options)};
  for (std::string one; std::getline(all, one, ',');)
    if (!one.empty()) out.push_back(one);
  return out;
}

Result<uint64_t> mount_attributes(std::string_view options) {
  uint64_t attributes = 0;
  bool tells_of_access_times = false;
  for (const std::string& option : split_options(options)) {
    bool known = false;
    for (const OptionName& one : kOptions) {
      if (option != one.name) continue;
      known = true;
      attributes |= one.attribute;
    }
    if (!known) return Error(ErrorClass::unsupported, "a mount with the option " + option);
    tells_of_access_times |= option == "noatime" || option == "relatime";
  }
  // What nothing is said of is the strictest.
  if (!tells_of_access_times) attributes |= MOUNT_ATTR_STRICTATIME;
  return attributes;
}

std::string point_below(std::string_view parent, std::string_view point) {
  if (parent == "/") return std::string(point.substr(1));
  if (point == parent) return "";
  return std::string(point.substr(parent.size() + 1));
}

}  // namespace appshot::proc
