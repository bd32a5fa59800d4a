// Processes made by clone() may share memory, descriptors, folders and signal actions without being
// threads of one process. With their parent that is kept, and with who can have made them for it
// (CLONE_PARENT); what else can be is named.
#pragma once

#include <vector>

#include "image/schema/values.h"
#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot {

// Fills in ProcessSource::shared. What descriptors are another's are not looked at again.
void note_shared_parts(std::vector<ProcessSource>& processes, Obstacles& obstacles);

// Of a process that shares memory with its maker: what it can only have been given when it was
// made another way.
void find_sharing_obstacles(const image::ImageT& image, Obstacles& obstacles);

}  // namespace appshot
