// What `inspect` lists of a snapshot: one record for each resource in it.
#pragma once

#include "image/schema/values.h"
#include "protocol/json.h"

namespace appshot {

// [{"type", "name", "process", "descriptor", "detail"}]
Json image_records(const image::ImageT& image);

}  // namespace appshot
