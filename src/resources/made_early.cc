#include "resources/made_early.h"

#include <algorithm>

#include "resources/awaited.h"
#include "resources/maker.h"

namespace appshot {
namespace {

// Another group or session than it is born into or begins.
bool is_elsewhere(const image::ImageT& image, const image::ProcessT& process) {
  const image::ProcessT* maker = find_maker(image, process);
  if (maker == nullptr) return false;
  return (process.session != process.pid && process.session != maker->session) ||
         (process.group != process.pid && process.group != maker->group);
}

}  // namespace

bool is_made_early(const image::ImageT& image, const image::ProcessT& process) {
  if (!process.shares_memory || is_awaited(image, process)) return false;
  if (is_elsewhere(image, process)) return true;
  for (const auto& terminal : image.terminals)
    if (terminal->session == process.pid) return true;
  return std::ranges::any_of(image.processes, [&](const auto& other) {
    if (other.get() == &process) return false;
    if (other->parent == process.pid && !other->shares_memory) return true;
    if (maker_of(*other) == process.pid) return is_made_early(image, *other);
    return other->group == process.pid || other->session == process.pid;
  });
}

}  // namespace appshot
