// File systems and mounts of an image: a part of the verifier (see verify.cc).
#pragma once

#include <string_view>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_mounts(const ImageT& image);

// A namespace of the application's own; -1: the instance's.
Result<> verify_space(const ImageT& image, int index, std::string_view kind);

}  // namespace appshot::image
