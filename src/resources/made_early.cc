#include "resources/made_early.h"

#include <algorithm>

#include "resources/awaited.h"

namespace appshot {
namespace {

// Another group or session than it is born into or begins.
bool is_elsewhere(const image::ImageT& image, const image::ProcessT& process) {
  const auto parent = std::ranges::find(image.processes, process.parent,
                                        [](const auto& other) { return other->pid; });
  if (parent == image.processes.end()) return false;
  return (process.session != process.pid && process.session != (*parent)->session) ||
         (process.group != process.pid && process.group != (*parent)->group);
}

}  // namespace

bool is_made_early(const image::ImageT& image, const image::ProcessT& process) {
  if (!process.shares_memory || is_awaited(image, process)) return false;
  if (is_elsewhere(image, process)) return true;
  return std::ranges::any_of(image.processes, [&](const auto& other) {
    if (other.get() == &process) return false;
    if (other->parent == process.pid) return !other->shares_memory || is_made_early(image, *other);
    return other->group == process.pid || other->session == process.pid;
  });
}

}  // namespace appshot
