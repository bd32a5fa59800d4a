#include "image/summary.h"

#include <sys/stat.h>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_parts.h"
#include "image/pages_reader.h"

namespace appshot::image {

Result<ImageSummary> verify_image(const std::string& folder) {
  struct stat manifest;
  TRY_SYS(::stat((folder + "/" + kManifestName).c_str(), &manifest));
  ImageT image = TRY(read_manifest(folder));
  PagesReader pages = TRY(PagesReader::open(folder, image.pages));
  TRY(pages.verify(all_runs(image)));
  uint64_t pages_bytes = 0;
  for (const auto& part : image.pages) pages_bytes += part->length;
  return ImageSummary{image.id,
                      image.aid,
                      image.parent,
                      image.created_ms,
                      image.processes.size(),
                      static_cast<uint64_t>(manifest.st_size),
                      pages_bytes};
}

}  // namespace appshot::image
