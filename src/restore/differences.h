// What of an image does not fit this machine.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/restore_context.h"

namespace appshot {

// Class mismatch, every difference named, of the machine and then also of its program files.
Result<> refuse_differences(const image::ImageT& image);
// Inside the instance's world: files that programs were mapped from, and have changed since.
Result<> refuse_changed_files(const RestoreContext& context);

}  // namespace appshot
