// Which files of an image lie below paths that rules lead elsewhere than when it was taken.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "isolation/public_path.h"
#include "isolation/redirection.h"

namespace appshot {

// Adds to each redirection that had led elsewhere (Redirection.former) what the program has open,
// mapped or watched through it, or stands in. Of paths within one another the deepest holds.
// Refused are watches of which only the former place is known: they would be told of another's
// files.
Result<> add_needed(const image::ImageT& image, const std::vector<PublicPath>& public_paths,
                    std::vector<Redirection>& redirections);

}  // namespace appshot
