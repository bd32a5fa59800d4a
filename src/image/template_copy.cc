#include "image/template_copy.h"

#include <unistd.h>

#include "image/format.h"
#include "image/manifest.h"
#include "os/file.h"

namespace appshot::image {

Result<> copy_as_template(const std::string& from, const std::string& to, const std::string& id) {
  ImageT image = TRY(read_manifest(from));
  image.id = id;
  image.is_template = true;
  for (const std::string& name : TRY(list_folder(from))) {
    if (name == kManifestName) continue;
    TRY_SYS(::link((from + "/" + name).c_str(), (to + "/" + name).c_str()));
  }
  return write_manifest(to, image);
}

}  // namespace appshot::image
