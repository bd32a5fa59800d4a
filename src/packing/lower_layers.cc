#include "packing/lower_layers.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "isolation/host_mounts.h"
#include "os/file.h"
#include "packing/entry.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

// What looking into one layer has told: the file, that it is nowhere, or that one must look below.
struct Look {
  std::optional<LowerFile> file;
  bool hides_below = false;
};

Result<Look> look_into(int layer, const std::string& path) {
  Look look;
  UniqueFd here = TRY(open_at(layer, ".", O_RDONLY | O_DIRECTORY));
  std::vector<std::string_view> parts = components_of(path);
  if (parts.empty()) parts.push_back(".");
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string name(parts[i]);
    LowerFile file;
    if (::fstatat(here.get(), name.c_str(), &file.info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return look;
      return Error::from_errno(errno, "stat " + shown(path));
    }
    TRY_SYS(::fchdir(here.get()));
    file.xattrs = TRY(xattrs_at(name));
    const bool folder = S_ISDIR(file.info.st_mode);
    auto opaque = file.xattrs.find(kOpaque);
    look.hides_below |= !folder || (opaque != file.xattrs.end() && opaque->second == "y");
    if (is_whiteout_node(file.info) || (!folder && i + 1 < parts.size())) return look;
    if (i + 1 == parts.size()) {
      file.folder = std::move(here);
      file.name = name;
      look.file = std::move(file);
      return look;
    }
    here = TRY(open_at(here.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }
  return look;
}

}  // namespace

Result<LowerLayers> LowerLayers::open(const std::vector<std::string>& layers,
                                      const std::string& below) {
  LowerLayers lower;
  for (const std::string& layer : layers)
    lower.layers_.push_back(TRY(open_file(layer, O_RDONLY | O_DIRECTORY)));
  if (!below.empty()) lower.below_ = TRY(open_file(below, O_RDONLY | O_DIRECTORY));
  return lower;
}

Result<std::optional<LowerFile>> LowerLayers::find(const std::string& mount,
                                                   const std::string& path) const {
  for (size_t i = layers_.size(); i-- > 0;) {
    Look look = TRY(look_into(layers_[i].get(), mount + "/" + path));
    if (look.file || look.hides_below) return std::move(look.file);
  }
  if (!below_) return std::optional<LowerFile>();
  const std::string point = layer_mount_point(mount).substr(1);
  return TRY(look_into(below_.get(), point.empty() ? path : point + "/" + path)).file;
}

}  // namespace appshot::packing
