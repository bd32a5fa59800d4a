#include "resources/layers/layers.h"

#include <algorithm>

#include "isolation/file_world.h"
#include "isolation/host_mounts.h"
#include "os/file.h"
#include "os/mount_namespace.h"
#include "resources/private_files.h"

namespace appshot::layers {
namespace {

constexpr char kSharedMemory[] = "shm/";
constexpr char kSharedMemoryFolder[] = "/dev/shm";
constexpr char kDevices[] = "dev/";
constexpr char kDevicesFolder[] = "/dev";

// What the application has put there.
Result<> capture_devices(CaptureContext& context) {
  const std::span<const std::string_view> made = names_in_dev();
  const std::vector<std::string> names = TRY(list_folder(context.instance.root + kDevicesFolder));
  auto is_made = [&](const std::string& name) {
    return std::ranges::find(made, name) != made.end();
  };
  if (std::ranges::all_of(names, is_made)) return {};
  const UniqueFd folder = TRY(open_uncovered(
      "/proc/" + std::to_string(context.instance.init.value) + "/ns/mnt", kDevicesFolder));
  return capture_files(context, "/proc/self/fd/" + std::to_string(folder.get()), kDevices, made);
}

}  // namespace

Result<> capture(CaptureContext& context) {
  const InstanceView& instance = context.instance;
  if (!instance.layers.empty()) {
    for (const std::string& layer : TRY(list_folder(instance.layers))) {
      const std::string upper = "/" + layer + "/upper";
      TRY(capture_layer(context, instance.layers + upper,
                        instance.frozen.empty() ? "" : instance.frozen + upper,
                        kLayers + layer + "/"));
    }
  }
  if (!instance.share.fs) TRY(capture_devices(context));
  if (instance.share.ipc) return {};
  return capture_files(context, instance.root + kSharedMemoryFolder, kSharedMemory);
}

Result<> restore_layers(const image::ImageT& image, const image::PagesReader& pages,
                        const std::string& folder, const LowerView& lower) {
  TRY(make_folders(folder, 0700));
  std::string last;
  for (const auto& file : image.private_files) {
    if (!file->path.starts_with(kLayers)) continue;
    size_t from = std::string_view(kLayers).size();
    std::string layer = file->path.substr(from, file->path.find('/', from) - from);
    if (layer == last) continue;
    last = layer;
    TRY(make_folders(folder + "/" + layer + "/upper"));
    const std::string point = layer_mount_point(layer);
    const auto hides = [&](const std::string& name) {
      return lower.shows((point == "/" ? "" : point) + "/" + name);
    };
    TRY(restore_files(image, pages, kLayers + layer + "/", folder + "/" + layer + "/upper", hides));
  }
  return {};
}

Result<> restore_memory_files(const image::ImageT& image, const image::PagesReader& pages) {
  TRY(restore_files(image, pages, kDevices, kDevicesFolder));
  return restore_files(image, pages, kSharedMemory, kSharedMemoryFolder);
}

}  // namespace appshot::layers
