// The calls by which a process, from inside the stub, exchanges the memory it was born with for its
// own.
#pragma once

#include <vector>

#include "image/schema/values.h"
#include "os/proc/maps.h"
#include "restore/file_mappings.h"
#include "restore/memory_layout.h"
#include "trace/call_list.h"

namespace appshot {

struct PlacePlan {
  const image::ImageT& image;
  const image::ProcessT& process;
  const image::AddressSpaceT& space;
  const std::vector<uint64_t>& windows;  // by mapping
  const MemoryLayout::Span& span;        // of the windows
  const std::vector<proc::Mapping>&
      kernel;                  // our own vdso and vvar mappings, which every child has
  uint64_t zone, zone_length;  // stays
  uint64_t parking;            // room in the zone's neighbourhood for the kernel's mappings
  int exe_fd;
  const FileMappings& files;
  bool keeps_descriptors;  // of ours, which another needs as well
};

void plan_place_memory(const PlacePlan& plan, CallList& calls, DataSpace& data);

}  // namespace appshot
