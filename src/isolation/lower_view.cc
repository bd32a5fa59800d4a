#include "isolation/lower_view.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "isolation/layer_part.h"

namespace appshot {

Result<bool> LowerView::shows(const std::string& path) const {
  for (auto layer = environment.rbegin(); layer != environment.rend(); ++layer) {
    const LayerPart part = TRY(part_of_layer(*layer, path));
    if (part.there) return true;
    if (part.hides_below) return false;
  }
  if (!host) return false;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Error::from_errno(errno, "lstat " + path);
}

}  // namespace appshot
