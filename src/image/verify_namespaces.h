// Namespaces of the application's own and the ids that processes have in them: a part of the
// verifier (see verify.cc).
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_namespaces(const ImageT& image);
// Of a process, when all that was told before it has passed.
Result<> verify_ids_in_namespaces(const ImageT& image);

}  // namespace appshot::image
