// The image that an instance was restored from, as far as the first snapshot after that can use it:
// what has not changed since stays where it lies.
#pragma once

#include "harness/instance.h"
#include "protocol/harness_config.h"
#include "resources/memory_tracks.h"

namespace appshot {

// Before an image that goes is given up: its files stay under names of the instance's own, until it
// ends or has been captured again. A failure costs room in the next image, nothing else.
void keep_origin(const HarnessConfig& config, const InstancePlaces& places);
void drop_origin(const InstancePlaces& places);

// Unless something is known from a snapshot since. The image may be gone, or damaged by now: then
// nothing is known.
void recall_origin(const HarnessConfig& config, const InstancePlaces& places, MemoryTracks& tracks);

}  // namespace appshot
