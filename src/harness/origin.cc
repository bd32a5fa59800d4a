#include "harness/origin.h"

#include <sys/stat.h>
#include <unistd.h>

#include "image/format.h"
#include "image/manifest.h"
#include "os/file.h"

namespace appshot {

namespace {

// So little is stored sooner than it is compared.
constexpr uint64_t kWorthComparing = 1 << 20;

uint64_t bytes_of_pages(const std::string& folder) {
  uint64_t bytes = 0;
  for (const std::string& name : list_folder(folder).value_or({})) {
    struct stat info {};
    if (name.starts_with(image::kPagesName) && ::stat((folder + "/" + name).c_str(), &info) == 0)
      bytes += static_cast<uint64_t>(info.st_size);
  }
  return bytes;
}

}  // namespace

void keep_origin(const HarnessConfig& config, const InstancePlaces& places) {
  if (!config.image_goes || bytes_of_pages(config.image) < kWorthComparing ||
      !make_folders(places.origin(), 0700))
    return;
  for (const std::string& name : list_folder(config.image).value_or({}))
    if (name == image::kManifestName || name.starts_with(image::kPagesName))
      (void)!::link((config.image + "/" + name).c_str(), (places.origin() + "/" + name).c_str());
}

void drop_origin(const InstancePlaces& places) { (void)!remove_tree(places.origin()); }

void recall_origin(const HarnessConfig& config, const InstancePlaces& places,
                   MemoryTracks& tracks) {
  if (config.image.empty() || tracks.kept()) return;
  const std::string folder = config.image_goes ? places.origin() : config.image;
  if (bytes_of_pages(folder) < kWorthComparing) return;
  if (Result<image::ImageT> image = image::read_manifest(folder)) tracks.begin_from(*image, folder);
}

}  // namespace appshot
