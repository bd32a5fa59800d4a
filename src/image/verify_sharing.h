// What processes of an image share with their parents: a part of the verifier (see verify.cc).
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_sharing(const ImageT& image);

}  // namespace appshot::image
