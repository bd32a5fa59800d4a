// Children for which a thread waits in vfork are born when everything else of a restore is done, by
// that thread, with the rights that it has by then (restore/born_late.h). What cannot be had so is
// named.
#pragma once

#include "image/schema/values.h"
#include "resources/obstacles.h"

namespace appshot {

void find_vfork_obstacles(const image::ImageT& image, Obstacles& obstacles);

}  // namespace appshot
