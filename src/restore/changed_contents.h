// Files that are not in an image and have to be as they were (Image.expected_files): size and
// content decide, or size and time where the content is not known.
#pragma once

#include <vector>

#include "base/error.h"
#include "image/schema/values.h"
#include "resources/restore_context.h"

namespace appshot {

// Of bytes of files, so many of all; may be none.
using TellRead = image::PagesReader::Tell;

// `context` is nullptr outside of the instance, where only some can be looked at.
void find_changed_contents(const image::ImageT& image, const RestoreContext* context,
                           const TellRead& tell, std::vector<Obstacle>& differences);

}  // namespace appshot
