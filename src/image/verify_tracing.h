// Which threads of an image others trace: a part of the verifier (see verify.cc).
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_tracing(const ImageT& image);

}  // namespace appshot::image
