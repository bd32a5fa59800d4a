#include "isolation/lower_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "isolation/host_mounts.h"
#include "isolation/private_layer.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

constexpr char kPrograms[] = "/usr";

std::string folder_of(const std::string& layers, const std::string& point) {
  return layers + "/" + layer_name(point);
}

std::string upper_of(const std::string& layers, const std::string& point) {
  return folder_of(layers, point) + "/upper";
}

Result<> mount_layers_at(const FileWorld& world, const std::string& point, const std::string& base,
                         const std::string& target) {
  return mount_layers(
      {folder_of(world.layers, point), world.frozen.empty() ? "" : upper_of(world.frozen, point),
       world.environment, point, base, world.users},
      target);
}

std::string path_of(const UniqueFd& place) {
  return "/proc/self/fd/" + std::to_string(place.get());
}

Result<bool> is_same_file_system(int one, int other) {
  struct stat first {
  }, second{};
  TRY_SYS(::fstat(one, &first));
  TRY_SYS(::fstat(other, &second));
  return first.st_dev == second.st_dev;
}

Result<bool> is_link(int fd) {
  struct stat info {};
  TRY_SYS(::fstat(fd, &info));
  return S_ISLNK(info.st_mode);
}

// Files of an earlier life, which must be somewhere.
bool holds_files(const FileWorld& world, const std::string& point) {
  return std::ranges::any_of(std::array{world.layers, world.frozen}, [&](const auto& layers) {
    return !layers.empty() && !list_folder(upper_of(layers, point)).value_or({}).empty();
  });
}

// Those that may lie inside one another.
std::vector<std::string> lower_layers(const FileWorld& world) {
  std::vector<std::string> folders = world.environment;
  if (!world.frozen.empty()) folders.push_back(world.frozen);
  return folders;
}

// Where layers of the environment or of a template lie somewhere below the host's root, that root
// is seen through two overlays (private_layer). Not so what does not hold them: most of what is
// opened are programs and their libraries, so these have an overlay of their own; files cannot be
// renamed from there to elsewhere then. Not if an earlier life has changed them without.
Result<bool> wants_overlay_for_programs(const FileWorld& world) {
  const std::vector<std::string> lower = lower_layers(world);
  if (lower.empty()) return false;
  for (const std::string& layers : {world.layers, world.frozen})
    if (!layers.empty() && ::access((upper_of(layers, "/") + kPrograms).c_str(), F_OK) == 0)
      return false;
  const UniqueFd root = TRY(open_file("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Result<UniqueFd> programs =
      open_at(root.get(), kPrograms + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (!programs) return false;
  bool below_root = false;
  for (const std::string& layer : lower) {
    const UniqueFd folder = TRY(open_file(layer, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (TRY(folder_lies_in(folder.get(), programs->get()))) return false;
    below_root |= TRY(is_same_file_system(folder.get(), root.get()));
  }
  return below_root;
}

// Where an overlay of its own begins: at each file system of the host, and where a private layer is
// already, of an earlier life, perhaps on another host.
Result<std::vector<HostMount>> places_of_overlays(const FileWorld& world) {
  std::vector<HostMount> places = TRY(host_mounts());  // before there are any of ours
  const auto add = [&](const std::string& point) {
    if (std::ranges::find(places, point, &HostMount::point) == places.end())
      places.push_back({point, "overlay"});
  };
  for (const std::string& layers : {world.layers, world.frozen})
    for (const std::string& layer : list_folder(layers).value_or({})) add(layer_mount_point(layer));
  if (TRY(wants_overlay_for_programs(world))) add(kPrograms);
  std::ranges::sort(places, {}, &HostMount::point);  // outermost first
  return places;
}

}  // namespace

Result<> make_host_view(const FileWorld& world) {
  const std::vector<HostMount> mounts = TRY(places_of_overlays(world));
  TRY(mount_layers_at(world, "/", "/", world.root));
  const UniqueFd root = TRY(open_file(world.root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const HostMount& mount : mounts) {
    if (mount.point == "/") continue;
    // A folder that came away since, or that this caller may not see, is simply not there; nor is
    // one in whose place an environment has a link.
    const Result<UniqueFd> place = open_below(root.get(), mount.point, O_PATH);
    const bool is_needed = holds_files(world, mount.point);
    if (!place || TRY(is_link(place->get()))) {
      if (!is_needed) continue;
      return Error(ErrorClass::mismatch, "the instance has files below " + mount.point +
                                             ", and there is no such folder here")
          .hint("make one, or mount the file system that was there");
    }
    // What nobody can change on the host nobody can change inside; and not every file system can
    // lie under a layer: what cannot is seen as it is.
    if (!mount.read_only || is_needed || any_has(world.environment, mount.point)) {
      Result<> laid = mount_layers_at(world, mount.point, mount.point, path_of(*place));
      if (laid) continue;
      if (is_needed) return std::move(laid).within("the instance's files below " + mount.point);
    }
    const UniqueFd seen = TRY(copy_mount(TRY(open_file(mount.point, O_PATH | O_CLOEXEC)).get()));
    TRY(make_read_only(seen.get()));
    TRY(attach_mount(seen.get(), place->get()));
  }
  return {};
}

Result<> make_own_root(const FileWorld& world) {
  return mount_layers_at(world, "/", "", world.root);
}

}  // namespace appshot
