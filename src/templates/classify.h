// What clones do with each resource of a snapshot: share it, copy it on write, duplicate,
// virtualise, multiplex or allocate it. It follows by itself from what the resource is; RESOURCE
// rules, which the image keeps, may choose otherwise where that can be done. docs/templates.md.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "templates/record.h"

namespace appshot::templates {

// Of a manifest that has been verified (image::read_manifest). A pure function of it. An error:
// the rules that it keeps cannot be read, or mean nothing for what it says of itself.
Result<Classified> classify(const image::ImageT& image);

}  // namespace appshot::templates
