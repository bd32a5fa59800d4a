#include "harness/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot {
namespace {

// Names are unique within a node's state folder, and many nodes may share a machine.
Result<std::string> group_path(const HarnessConfig& config) {
  uint64_t hash = 1469598103934665603ULL;  // FNV-1a
  for (unsigned char c : config.state_dir) hash = (hash ^ c) * 1099511628211ULL;
  return fmt::format("{}/appshot/{}-{:08x}", TRY(cgroup_root()), config.aid, hash & 0xffffffff);
}

Result<> replace_file(const std::string& path, const std::string& content) {
  std::string next = path + ".next";
  TRY(write_file(next, content, O_CREAT | O_TRUNC));
  TRY_SYS(::chmod(next.c_str(), 0644));
  TRY_SYS(::rename(next.c_str(), path.c_str()));
  return {};
}

}  // namespace

Result<InstanceGroups> InstanceGroups::create(const HarnessConfig& config) {
  std::string path = TRY(group_path(config));
  return InstanceGroups{TRY(Cgroup::create(path)), TRY(Cgroup::create(path + "/app")),
                        TRY(Cgroup::create(path + "/exec"))};
}

Result<InstanceGroups> InstanceGroups::open(const HarnessConfig& config) {
  std::string path = TRY(group_path(config));
  return InstanceGroups{TRY(Cgroup::open(path)), TRY(Cgroup::open(path + "/app")),
                        TRY(Cgroup::open(path + "/exec"))};
}

Result<> InstanceGroups::remove() const {
  TRY(application.remove());
  TRY(visitors.remove());
  TRY(instance.remove());
  // The common parent goes with the last instance of the machine.
  std::string parent = instance.path().substr(0, instance.path().find_last_of('/'));
  ::rmdir(parent.c_str());
  return {};
}

Result<> make_places(const InstancePlaces& places) {
  TRY(make_folders(places.state, 0700));
  TRY(make_folders(places.run, 0700));
  TRY(make_folders(places.layers(), 0700));
  TRY(make_folders(places.root(), 0755));
  TRY(make_folders(places.info(), 0755));
  TRY_SYS(::chmod(places.info().c_str(), 0755));
  return {};
}

Result<> write_info(const InstancePlaces& places, const HarnessConfig& config) {
  TRY(replace_file(places.info() + "/aid", config.aid + "\n"));
  TRY(replace_file(places.info() + "/generation", std::to_string(config.generation) + "\n"));
  return replace_file(places.info() + "/event", config.event + "\n");
}

}  // namespace appshot
