#include "harness/instance.h"

#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot {
namespace {

constexpr char kOldLayers[] = "layers.old-";

}  // namespace

std::string node_folder(const std::string& place) {
  size_t end = place.rfind("/instances/");
  return end == std::string::npos || end == 0 ? place : place.substr(0, end);
}

Result<InstanceGroups> InstanceGroups::create(const HarnessConfig& config) {
  std::string path = TRY(instance_group(config.aid, config.state_dir));
  LimitedGroups limited = TRY(LimitedGroups::plan(config.limits, path));
  InstanceGroups groups{TRY(Cgroup::create(path)), TRY(Cgroup::create(path + "/app")),
                        TRY(Cgroup::create(path + "/exec")), std::move(limited)};
  TRY(groups.limited.create());
  return groups;
}

Result<InstanceGroups> InstanceGroups::open(const HarnessConfig& config) {
  std::string path = TRY(instance_group(config.aid, config.state_dir));
  return InstanceGroups{TRY(Cgroup::open(path)), TRY(Cgroup::open(path + "/app")),
                        TRY(Cgroup::open(path + "/exec")),
                        TRY(LimitedGroups::plan(config.limits, path))};
}

Result<> InstanceGroups::remove() const {
  TRY(remove_limited_groups(instance.path()));
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
  TRY(make_folders(places.root(), 0755));
  TRY(make_folders(places.info(), 0755));
  TRY_SYS(::chmod(places.info().c_str(), 0755));
  return {};
}

Result<> put_layers_aside(const InstancePlaces& places) {
  std::string aside = places.state + "/" + kOldLayers + std::to_string(::getpid());
  if (::rename(places.layers().c_str(), aside.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "rename " + places.layers() + " to " + aside);
  return {};
}

Result<> remove_old_layers(const InstancePlaces& places) {
  for (const std::string& name : TRY(list_folder(places.state)))
    if (name.starts_with(kOldLayers)) TRY(remove_tree(places.state + "/" + name));
  return {};
}

}  // namespace appshot
