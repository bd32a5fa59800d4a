#include "isolation/mount_changes.h"

#include <set>
#include <sstream>

namespace appshot {
namespace {

struct Mount {
  std::string what;  // all that stays as it is while nobody mounts anything
  std::string point, type;
};

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue". What comes
// before the dash tells of others as well, and the last of the host's file system.
std::vector<Mount> parse(std::string_view text) {
  std::vector<Mount> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point, options, field, type, source;
    fields >> id >> parent >> device >> root >> point >> options;
    while (fields >> field && field != "-") {
    }
    fields >> type >> source;
    // Which part of it is told from where the reader stands (cgroup namespaces).
    if (type.starts_with("cgroup")) root.clear();
    mounts.push_back({id + " " + parent + " " + device + " " + root + " " + point + " " + options +
                          " " + type + " " + source,
                      point, type});
  }
  return mounts;
}

void add_missing(const std::vector<Mount>& of, const std::vector<Mount>& in, bool mounted,
                 std::vector<MountChange>& changes) {
  std::set<std::string_view> known;
  for (const Mount& mount : in) known.insert(mount.what);
  for (const Mount& mount : of)
    if (!known.contains(mount.what)) changes.push_back({mount.point, mount.type, mounted});
}

}  // namespace

std::vector<MountChange> mount_changes(std::string_view before, std::string_view now) {
  const std::vector<Mount> first = parse(before), second = parse(now);
  std::vector<MountChange> changes;
  add_missing(second, first, true, changes);
  add_missing(first, second, false, changes);
  return changes;
}

}  // namespace appshot
