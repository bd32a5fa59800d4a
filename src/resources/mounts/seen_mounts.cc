#include "resources/mounts/seen_mounts.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "os/file.h"
#include "resources/mounts/kept_mounts.h"
#include "resources/mounts/namespace_files.h"

namespace appshot::mounts {
namespace {

using proc::Mount;

// What a snapshot and a restore themselves use.
constexpr std::string_view kNeeded[] = {"/proc",    "/dev",        "/dev/pts",
                                        "/dev/shm", "/dev/mqueue", "/run/appshot"};
constexpr std::string_view kDescriptorsOfUs = "/proc/self/fd/";

// Which part of it is told from where the reader stands (cgroup namespaces).
bool shows_the_same(const Mount& a, const Mount& b) {
  return a.device == b.device && a.type == b.type &&
         (a.root == b.root || a.type.starts_with("cgroup"));
}

bool is_changed(const Mount& before, const Mount& now) {
  return before.options != now.options || before.group != now.group ||
         before.master != now.master || before.unbindable != now.unbindable;
}

bool is_the_same(const Mount& a, const Mount& b) {
  return a.id == b.id && a.parent == b.parent && a.point == b.point && shows_the_same(a, b);
}

// What others tell of its file system as well is left out.
bool is_as_it_was(const Mount& a, const Mount& b) { return is_the_same(a, b) && !is_changed(a, b); }

bool is_same_space(const std::string& a, const std::string& b) {
  struct stat one {
  }, other{};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
         one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

bool is_visible(const SeenSpace& space, const Mount& mount) {
  Result<uint64_t> found = mount_of(space.here(mount.point));
  return found && *found == mount.id;
}

bool is_folder(const SeenSpace& space, const Mount& mount) {
  struct stat info {};
  return ::stat(space.here(mount.point).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Namespaces that processes live in, or hold open.
std::vector<std::string> paths_of_spaces(const std::vector<ProcessSource>& processes) {
  std::vector<std::string> paths;
  std::set<std::string> known;
  for (const ProcessSource& process : processes) {
    const std::string folder = "/proc/" + std::to_string(process.host.value) + "/";
    if (Result<std::string> link = process.dir.link("ns/mnt"); link && known.insert(*link).second)
      paths.push_back(folder + "ns/mnt");
    for (const DescriptorSource& descriptor : process.descriptors)
      if (descriptor.link.starts_with("mnt:[") && known.insert(descriptor.link).second)
        paths.push_back(folder + "fd/" + std::to_string(descriptor.fd));
  }
  return paths;
}

// Memory has names like files, and mounts of the kernel's own.
bool is_in_a_file_system(const DescriptorSource& descriptor) {
  const bool is_file = S_ISDIR(descriptor.info.st_mode) || S_ISREG(descriptor.info.st_mode);
  if (!is_file || !descriptor.link.starts_with('/')) return false;
  return !descriptor.link.starts_with("/memfd:") && !descriptor.link.starts_with("/dev/zero");
}

// Something is open on a mount that is nowhere: not any more, or not yet.
bool uses_lost_mounts(const std::vector<ProcessSource>& processes,
                      const std::vector<Mount>& mounts) {
  std::set<uint64_t> known;
  for (const Mount& mount : mounts) known.insert(mount.id);
  for (const ProcessSource& process : processes)
    for (const DescriptorSource& descriptor : process.descriptors)
      if (is_in_a_file_system(descriptor) && !known.contains(descriptor.mount())) return true;
  return false;
}

std::string mounted_words(const Mount& mount) {
  return "the application has mounted a file system (" + mount.type + ") on " + mount.point;
}

}  // namespace

bool is_below(std::string_view path, std::string_view folder) {
  if (folder == "/" || path == folder) return true;
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

std::string SeenSpace::here(const std::string& inside) const {
  return std::string(kDescriptorsOfUs) + std::to_string(look.root.get()) + inside;
}

const Mount* SeenSpace::find(uint64_t id) const {
  auto found = std::ranges::find(look.mounts, id, &Mount::id);
  return found == look.mounts.end() ? nullptr : &*found;
}

Result<SeenMounts> SeenMounts::look(const InstanceView& instance,
                                    const std::vector<ProcessSource>& processes) {
  SeenMounts seen;
  if (instance.mounts.empty()) return seen;
  const std::string folder = "/proc/" + std::to_string(instance.init.value) + "/";
  const std::string own = folder + "ns/mnt";
  std::vector<std::string> others;
  for (const std::string& path : paths_of_spaces(processes))
    if (!is_same_space(path, own)) others.push_back(path);
  const std::string now_text = TRY(read_file(folder + "mountinfo"));
  const auto now = TRY(proc::parse_mountinfo(now_text));
  seen.before_ = now_text == instance.mounts ? now : TRY(proc::parse_mountinfo(instance.mounts));
  if (others.empty() && std::ranges::equal(now, seen.before_, is_as_it_was) &&
      !uses_lost_mounts(processes, now))
    return seen;
  others.insert(others.begin(), own);
  for (const std::string& path : others) {
    Result<MountNamespace> look = look_into_mount_namespace(path);
    if (!look && path != own && look.error().err() == ENOENT) continue;  // its process has ended
    auto space = std::make_unique<SeenSpace>();
    space->path = path == own ? "" : path;
    space->look = TRY(std::move(look).within("a mount namespace"));
    seen.spaces_.push_back(std::move(space));
  }
  for (Mount& was : seen.before_)
    if (const Mount* same_now = seen.now(was);
        same_now != nullptr && was.type.starts_with("cgroup"))
      was.root = same_now->root;  // as it is told to us
  seen.find_file_systems();
  for (SeenFileSystem& system : seen.systems_)
    if (system.top != nullptr && system.top->type == "sysfs")
      system.network = network_shown(system.device, processes);
  for (SeenFileSystem& system : seen.systems_)
    system.of_nested_processes = system.top != nullptr && system.top->type == "proc" &&
                                 !is_same_space(system.processes(), folder + "ns/pid");
  return seen;
}

const Mount* SeenMounts::before(const Mount& now) const {
  auto found = std::ranges::find(before_, now.id, &Mount::id);
  return found == before_.end() || !is_the_same(*found, now) ? nullptr : &*found;
}

const Mount* SeenMounts::now(const Mount& before) const {
  const Mount* found = spaces_.front()->find(before.id);
  return found == nullptr || !is_the_same(before, *found) ? nullptr : found;
}

const Mount* SeenMounts::place_of(const Mount& mount) const {
  const Mount* place = nullptr;
  for (const Mount& one : before_) {
    const bool shows_it =
        one.device == mount.device && one.type == mount.type && is_below(mount.root, one.root);
    if (shows_it && (place == nullptr || one.root.size() < place->root.size())) place = &one;
  }
  return place;
}

const SeenFileSystem* SeenMounts::system_of(const Mount& mount) const {
  auto found = std::ranges::find(systems_, mount.device, &SeenFileSystem::device);
  return found == systems_.end() ? nullptr : &*found;
}

// Itself, or what it is mounted on.
bool SeenMounts::shows_nested_processes(const Mount& mount, const Mount* parent) const {
  for (const Mount* one : {&mount, parent}) {
    const SeenFileSystem* system = one == nullptr ? nullptr : system_of(*one);
    if (system != nullptr && system->of_nested_processes) return true;
  }
  return false;
}

void SeenMounts::find_file_systems() {
  for (const auto& space : spaces_) {
    for (const Mount& mount : space->look.mounts) {
      if (place_of(mount) != nullptr) continue;
      auto system = std::ranges::find(systems_, mount.device, &SeenFileSystem::device);
      if (system == systems_.end()) system = systems_.insert(systems_.end(), {mount.device});
      const bool better = system->top == nullptr || mount.root.size() < system->top->root.size();
      if (!better || !is_visible(*space, mount) || !is_folder(*space, mount)) continue;
      system->space = space.get();
      system->top = &mount;
    }
  }
}

void SeenMounts::find_obstacles(Obstacles& obstacles) const {
  if (empty()) return;
  find_changes(obstacles);
  find_covered(obstacles);
  for (const auto& space : spaces_)
    for (const Mount& mount : space->look.mounts)
      if (!is_own(*space) || before(mount) == nullptr) find_obstacles_of(*space, mount, obstacles);
}

void SeenMounts::find_obstacles_of(const SeenSpace& space, const Mount& mount,
                                   Obstacles& obstacles) const {
  const Mount* parent = space.find(mount.parent);
  const bool is_root = parent == nullptr;
  std::string why;
  if (is_root && (is_own(space) || mount.point != "/"))
    why = "which replaces the root of the instance";
  else if (Result<uint64_t> known = proc::mount_attributes(mount.options); !known)
    why = known.error().message();
  else if (mount.root.ends_with("//deleted"))
    why = "of which the source has been removed";
  else if (mount.master != 0 && !is_known_group(*this, mount.master))
    why = "which gets its mounts from a group outside of the application";
  else if (is_namespace_file(mount))
    why = why_namespace_not_kept(space, mount);
  else if (const Mount* place = place_of(mount))
    why = why_not_found_again(*place, mount);
  else
    why = why_not_made_again(mount, *system_of(mount));
  if (why.empty() && shows_nested_processes(mount, parent) && (mount.group | mount.master) != 0)
    why =
        "which tells others of its mounts and shows a pid namespace of its own; that cannot be "
        "captured yet";
  if (why.empty() && !is_root)
    if (const Mount* place = place_of(*parent)) why = why_not_mounted_there(*place, *parent, mount);
  if (!why.empty()) obstacles.add(mounted_words(mount) + ", " + why, "unmount it first");
}

// In the instance's own namespace.
void SeenMounts::find_changes(Obstacles& obstacles) const {
  for (const Mount& was : before_) {
    if (const Mount* is = now(was); is != nullptr) {
      const bool system_changed = (was.type == "overlay" || was.type == "tmpfs") &&
                                  was.system_options != is->system_options;
      if (system_changed || !proc::mount_attributes(is->options) ||
          (is->master != 0 && !is_known_group(*this, is->master)))
        obstacles.add("the application has remounted " + was.point + " (" + was.type +
                          "), which cannot be captured yet",
                      "start it without");
      continue;
    }
    if (was.point == "/" || std::ranges::find(kNeeded, was.point) != std::end(kNeeded))
      obstacles.add("the application has unmounted or moved " + was.point + " (" + was.type +
                        "), which cannot be captured",
                    "start it without");
  }
}

void SeenMounts::find_covered(Obstacles& obstacles) const {
  for (const Mount& mount : spaces_.front()->look.mounts) {
    if (before(mount) != nullptr) continue;
    for (std::string_view needed : kNeeded)
      if (is_below(needed, mount.point))
        obstacles.add(mounted_words(mount) + ", over " + std::string(needed) +
                          " of the instance, which a snapshot needs",
                      "unmount it first, or mount it in a namespace of its own (unshare -m)");
  }
}

}  // namespace appshot::mounts
