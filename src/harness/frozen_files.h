// The files of an image as all its clones share them: laid out once, never changed, below the layer
// of each. Few small ones are not worth a layer: those each clone has for itself.
//
// Several harnesses may do it at once; what is there is whole.
#pragma once

#include <string>

#include "base/result.h"
#include "isolation/lower_view.h"
#include "restore/restore.h"

namespace appshot {

// In `folder`, which is made where it is missing, one folder for each private layer. Empty: they
// are not worth it, or no folder was given.
Result<std::string> lay_out_frozen_files(const OpenedImage& image, const std::string& folder,
                                         const LowerView& lower);

}  // namespace appshot
