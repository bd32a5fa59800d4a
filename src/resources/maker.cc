#include "resources/maker.h"

namespace appshot {

const image::ProcessT* find_maker(const image::ImageT& image, const image::ProcessT& process) {
  for (const auto& other : image.processes)
    if (other->pid == maker_of(process)) return other.get();
  return nullptr;
}

}  // namespace appshot
