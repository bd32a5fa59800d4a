// What can be wrong with the IPC objects that an image tells of.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_ipc(const ImageT& image);

}  // namespace appshot::image
