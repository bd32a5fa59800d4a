// Who has made a process that shares something with it: its parent, or the process that has made it
// for its own parent (CLONE_PARENT).
#pragma once

#include "image/schema/values.h"

namespace appshot {

inline int maker_of(const image::ProcessT& process) {
  return process.maker != 0 ? process.maker : process.parent;
}
// nullptr: it is none of the image's.
const image::ProcessT* find_maker(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot
