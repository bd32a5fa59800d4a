// What one layer of an overlay says of a path: whether it has something there, and whether anything
// shows there from the layers below.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

struct LayerPart {
  UniqueFd there;  // by O_PATH; none: it has nothing of that name
  bool is_folder = false;
  bool hides_below = false;
  bool behind_link = false;  // the path goes on behind one, so the layer says nothing of its end
};

// Follows the marks of overlayfs from the layer's root on, and no link: one that a layer has on the
// way there hides what is below, and would lead to the host's files.
Result<LayerPart> part_of_layer(const std::string& layer, const std::string& path);

}  // namespace appshot
