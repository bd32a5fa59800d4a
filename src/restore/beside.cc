#include "restore/beside.h"

#include <sched.h>

#include <algorithm>

#include "resources/maker.h"

namespace appshot {

uint64_t flags_beside(const image::ProcessT& process) {
  if (process.shares_memory) return 0;
  return (process.shares_descriptors ? CLONE_FILES : 0) | (process.shares_folders ? CLONE_FS : 0) |
         (process.maker != 0 ? CLONE_PARENT : 0);
}

bool owns_beside(const image::ImageT& image, const image::ProcessT& process) {
  return !shares_beside(process) && std::ranges::any_of(image.processes, [&](const auto& child) {
    return maker_of(*child) == process.pid && shares_beside(*child);
  });
}

bool has_common_table(const image::ImageT& image, const image::ProcessT& process) {
  if (shares_beside(process) && process.shares_descriptors) return true;
  return std::ranges::any_of(image.processes, [&](const auto& child) {
    return maker_of(*child) == process.pid && shares_beside(*child) && child->shares_descriptors;
  });
}

}  // namespace appshot
