// Processes that share the memory of their parent are made when that one has its memory, as threads
// are. Some must be there before: when the processes are forked that are their children, or are in
// their group or session, and while a terminal can still be found by its name. They are made in the
// memory that their parent was born with, and wait in the stub while it takes its own.
#pragma once

#include "image/schema/values.h"

namespace appshot {

bool is_made_early(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot
