#include "harness/origin.h"

#include <unistd.h>

#include "image/format.h"
#include "image/manifest.h"
#include "os/file.h"

namespace appshot {

void keep_origin(const HarnessConfig& config, const InstancePlaces& places) {
  if (!config.image_goes || !make_folders(places.origin(), 0700)) return;
  for (const std::string& name : list_folder(config.image).value_or({}))
    if (name == image::kManifestName || name.starts_with(image::kPagesName))
      (void)!::link((config.image + "/" + name).c_str(), (places.origin() + "/" + name).c_str());
}

void drop_origin(const InstancePlaces& places) { (void)!remove_tree(places.origin()); }

void recall_origin(const HarnessConfig& config, const InstancePlaces& places,
                   MemoryTracks& tracks) {
  if (config.image.empty() || tracks.kept()) return;
  const std::string folder = config.image_goes ? places.origin() : config.image;
  if (Result<image::ImageT> image = image::read_manifest(folder)) tracks.begin_from(*image, folder);
}

}  // namespace appshot
