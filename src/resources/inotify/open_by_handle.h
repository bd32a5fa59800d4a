// The file that a handle stands for, found without looking for it: in the layer of an overlay that
// has it. An overlay's own handles hold that of the file beneath, and in which layer it lies.
#pragma once

#include <string>

#include "base/result.h"
#include "resources/inotify/find_watched.h"
#include "resources/instance_view.h"

namespace appshot::inotifies {

// Its path in the instance, as far as it can be told: what is found there may be another file.
// Empty: it cannot.
std::string path_by_handle(const InstanceView& instance, const WatchedFile& file);

}  // namespace appshot::inotifies
