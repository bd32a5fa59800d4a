// Of an image that was read: what network namespaces hold.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_networks(const ImageT& image);

}  // namespace appshot::image
