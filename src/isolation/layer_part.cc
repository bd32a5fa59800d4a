#include "isolation/layer_part.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <sstream>

#include "os/file.h"

namespace appshot {
namespace {

Result<bool> is_opaque(int folder) {
  const UniqueFd opened = TRY(open_at(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  char mark = 0;
  if (::fgetxattr(opened.get(), "trusted.overlay.opaque", &mark, 1) == 1) return mark == 'y';
  if (errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE) return false;
  return Error::from_errno(errno, "fgetxattr");
}

}  // namespace

Result<LayerPart> part_of_layer(const std::string& layer, const std::string& path) {
  LayerPart part{TRY(open_file(layer, O_PATH | O_DIRECTORY | O_CLOEXEC)), true};
  bool is_link = false;
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '/');) {
    if (name.empty()) continue;
    if (!part.is_folder) return LayerPart{UniqueFd(), false, true, is_link};
    Result<UniqueFd> below = open_at(part.there.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (!below && below.error().err() == ENOENT)
      return LayerPart{UniqueFd(), false, part.hides_below};
    part.there = TRY(std::move(below));
    struct stat info {};
    TRY_SYS(::fstat(part.there.get(), &info));
    if (S_ISCHR(info.st_mode) && info.st_rdev == 0)  // a whiteout
      return LayerPart{UniqueFd(), false, true};
    is_link = S_ISLNK(info.st_mode);
    part.is_folder = S_ISDIR(info.st_mode);
    part.hides_below |= !part.is_folder || TRY(is_opaque(part.there.get()));
  }
  return part;
}

}  // namespace appshot
