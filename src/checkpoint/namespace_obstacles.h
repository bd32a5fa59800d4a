// What of an application's own pid and user namespaces a restore could not put together again:
// known only when everything is captured.
#pragma once

#include "image/schema/values.h"
#include "resources/obstacles.h"

namespace appshot {

void find_namespace_obstacles(const image::ImageT& image, Obstacles& obstacles);

}  // namespace appshot
