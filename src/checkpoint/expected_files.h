// With --share fs the files of an instance are the machine's, and none of them is in its image.
// Those that it has open, or mapped in common with others, are written down there with what their
// content comes to, so that a restore can tell whether they are as they were.
//
// Their content is known when it was read ahead and they have not changed since (sums_ahead).
// Others are read while the application stands still, as far as that takes no time worth speaking
// of; of what is left only size and time are known.
#pragma once

#include "resources/capture_context.h"

namespace appshot {

// When all processes and open files are known, and what is mounted.
Result<> capture_expected_files(CaptureContext& context);

}  // namespace appshot
