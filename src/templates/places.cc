#include "templates/places.h"

#include <string_view>

#include "isolation/host_mounts.h"
#include "rules/path.h"
#include "rules/resolve.h"

namespace appshot::templates {
namespace {

constexpr std::string_view kLayers = "layers/", kMounts = "mounts/";

std::string joined(const std::string& folder, std::string_view name) {
  if (name.empty()) return folder.empty() ? "/" : folder;
  if (name.starts_with('/')) name.remove_prefix(1);
  return folder.ends_with('/') ? folder + std::string(name) : folder + "/" + std::string(name);
}

bool is_in_any(std::string_view path, std::initializer_list<std::string_view> folders) {
  for (std::string_view folder : folders)
    if (rules::is_within(path, folder)) return true;
  return false;
}

std::string below(const std::string& path, const std::string& folder) {
  return path.substr(folder == "/" ? 1 : std::min(path.size(), folder.size()));
}

bool is_in_memory(const std::string& type) { return type == "tmpfs" || type == "ramfs"; }

// A path of run -v is in no text, so it has no lines.
std::string position_of(const rules::Step& step) {
  constexpr std::string_view kNowhere = ":0:0";
  const std::string& at = step.position;
  return at.ends_with(kNowhere) ? at.substr(0, at.size() - kNowhere.size()) : at;
}

// 12 of "12/etc/x"; -1: there is no number.
int number_before_slash(std::string_view text) {
  int number = 0;
  for (size_t i = 0; i < text.size() && text[i] != '/'; ++i) {
    if (text[i] < '0' || text[i] > '9' || number > 1'000'000) return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

}  // namespace

Places::Places(const image::ImageT& image, const Launch& launch) : image_(image), launch_(launch) {
  for (const auto& mount : image.mounts) {
    const bool whole = mount->kind != image::MountKind::made || mount->parent < 0;
    points_.push_back(whole ? joined(mount->point, "")
                            : joined(points_[static_cast<size_t>(mount->parent)], mount->point));
  }
}

Where Places::of(const std::string& path, int space) const {
  // The last of those that are as deep lies on top.
  const image::MountT* on = nullptr;
  const std::string* point = nullptr;
  for (size_t i = 0; i < image_.mounts.size(); ++i) {
    const image::MountT& mount = *image_.mounts[i];
    if (mount.kind != image::MountKind::made || mount.space != space || mount.file_system < 0)
      continue;
    if (!rules::is_within(path, points_[i])) continue;
    if (point != nullptr && points_[i].size() < point->size()) continue;
    on = &mount;
    point = &points_[i];
  }
  if (on == nullptr) return of_instance(path);
  const auto& system = *image_.file_systems[static_cast<size_t>(on->file_system)];
  if (!system.place.empty())
    return of_instance(joined(joined(system.place, on->root), below(path, *point)));
  return {is_in_memory(system.type) ? Place::memory : Place::kernel};
}

Where Places::of_instance(const std::string& path) const {
  const Share& share = launch_.share;
  if (is_in_any(path, {"/dev/shm", "/dev/mqueue"}))
    return share.ipc ? Where{Place::host, "--share ipc"} : Where{Place::memory};
  if (is_in_any(path, {"/proc"})) return {Place::kernel};
  if (is_in_any(path, {"/sys"}))
    return share.net ? Where{Place::host, "--share net"} : Where{Place::kernel};
  if (share.fs) return {Place::host, "--share fs"};
  if (is_in_any(path, {"/run/appshot"})) return {Place::kernel};

  const rules::Resolution here = rules::resolve(launch_.here, path);
  const rules::Resolution there = rules::resolve(launch_.elsewhere, path);
  const std::string rule = here.steps.empty() ? "" : position_of(here.steps.back());
  if (here.path != there.path) {
    const rules::EvaluatedRedirection* deepest = nullptr;
    for (const rules::EvaluatedRedirection& one : launch_.here.redirections)
      if (rules::is_within(path, one.path)) deepest = &one;
    return {Place::elsewhere, position_of(here.steps.front()), here.path,
            deepest != nullptr && deepest->path != path, deepest != nullptr && deepest->copy};
  }
  if (here.is_public) return {Place::host, rule};
  return {is_in_any(here.path, {"/dev"}) ? Place::memory : Place::layer, rule};
}

std::string Places::own_mount_of(int file_system) const {
  for (size_t i = 0; i < image_.mounts.size(); ++i)
    if (image_.mounts[i]->kind == image::MountKind::made &&
        image_.mounts[i]->file_system == file_system)
      return points_[i];
  return "/";  // it is held by nothing but a descriptor
}

std::string Places::name_of(const image::PrivateFileT& file) const {
  const std::string_view path = file.path;
  if (path.starts_with("shm/")) return "/dev/" + file.path;
  if (path.starts_with("dev/")) return "/" + file.path;
  const size_t start = path.find('/') + 1;
  const size_t slash = std::min(path.find('/', start), path.size());
  if (path.starts_with(kMounts))
    return joined(own_mount_of(number_before_slash(path.substr(start))), path.substr(slash));
  const std::string layer(path.substr(start, slash - start));
  const std::string below_all = joined(layer_mount_point(layer), path.substr(slash));
  return rules::public_name(launch_.here, below_all).value_or(below_all);
}

Where Places::of(const image::PrivateFileT& file) const {
  if (!std::string_view(file.path).starts_with(kLayers)) return {Place::memory};
  // Where the application finds it in this instance, a clone finds what lies elsewhere.
  Where found = of_instance(name_of(file));
  return found.place == Place::elsewhere ? found : Where{Place::layer};
}

}  // namespace appshot::templates
