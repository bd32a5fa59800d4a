// What of an image does not fit this machine.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/restore_context.h"
#include "restore/changed_contents.h"

namespace appshot {

// Class mismatch, every difference named, of the machine and then also of its files.
// Files that are large take a while to read.
Result<> refuse_differences(const image::ImageT& image, const TellRead& tell);
// Inside the instance's world: files that programs were mapped from, or that have to be as they
// were because they are not in the image, and have changed since.
Result<> refuse_changed_files(const RestoreContext& context);

}  // namespace appshot
