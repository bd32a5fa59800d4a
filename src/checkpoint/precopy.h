// Copies memory while the application runs, so that it need only stand still for what it has
// written meanwhile.
#pragma once

#include "base/result.h"
#include "resources/instance_view.h"
#include "resources/page_copies.h"

namespace appshot {

struct Precopied {
  double paused_ms = 0;   // how long it stood still for this, in all
  double longest_ms = 0;  // at once
};

// What is copied is known to the tracks. A process that goes away or cannot be tracked is nobody's
// concern here: the capture copies what is not known.
Result<Precopied> copy_while_running(const InstanceView& instance, MemoryTracks& tracks,
                                     PageCopies& pages);

}  // namespace appshot
