// A template of a snapshot: an image of its own that has the snapshot's bytes in common with it, so
// that either can be removed without harm to the other.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot::image {

// `from` is the folder of an image, `to` one that is there, empty, and on the same file system.
Result<> copy_as_template(const std::string& from, const std::string& to, const std::string& id);

}  // namespace appshot::image
