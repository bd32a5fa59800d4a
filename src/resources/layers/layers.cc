#include "resources/layers/layers.h"

#include "os/file.h"
#include "resources/private_files.h"

namespace appshot::layers {
namespace {

constexpr char kLayers[] = "layers/";
constexpr char kSharedMemory[] = "shm/";
constexpr char kSharedMemoryFolder[] = "/dev/shm";

}  // namespace

Result<> capture(CaptureContext& context) {
  const InstanceView& instance = context.instance;
  if (!instance.layers.empty()) {
    for (const std::string& layer : TRY(list_folder(instance.layers)))
      TRY(capture_files(context, instance.layers + "/" + layer + "/upper", kLayers + layer + "/"));
  }
  if (instance.share.ipc) return {};
  return capture_files(context, instance.root + kSharedMemoryFolder, kSharedMemory);
}

Result<> restore_layers(const image::ImageT& image, const image::PagesReader& pages,
                        const std::string& folder) {
  TRY(make_folders(folder, 0700));
  std::string last;
  for (const auto& file : image.private_files) {
    if (!file->path.starts_with(kLayers)) continue;
    size_t from = std::string_view(kLayers).size();
    std::string layer = file->path.substr(from, file->path.find('/', from) - from);
    if (layer == last) continue;
    last = layer;
    TRY(make_folders(folder + "/" + layer + "/upper"));
    TRY(restore_files(image, pages, kLayers + layer + "/", folder + "/" + layer + "/upper"));
  }
  return {};
}

Result<> restore_memory_files(const image::ImageT& image, const image::PagesReader& pages) {
  return restore_files(image, pages, kSharedMemory, kSharedMemoryFolder);
}

}  // namespace appshot::layers
