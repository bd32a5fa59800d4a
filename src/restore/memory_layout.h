// Where everything lies while memory is on its way: for each mapping of each process a window, for
// what the last steps need a zone, all clear of the places the memory goes to and of ourselves.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/maps.h"

namespace appshot {

struct MemoryLayout {
  uint64_t zone = 0;
  uint64_t zone_length = 0;
  // [process][mapping]: address of its window; 0 for mappings without. Mappings that touch have
  // windows that touch, so that the kernel may merge later what it might have merged before.
  std::vector<std::vector<uint64_t>> windows;
  // [process]: from its first window to the end of its last, and nothing of another in between.
  struct Span {
    uint64_t start = 0, end = 0;
  };
  std::vector<Span> spans;
};

Result<MemoryLayout> plan_layout(const image::ImageT& image, const std::vector<proc::Mapping>& ours,
                                 uint64_t zone_length);

// Neither the kernel's own, nor mapped at its place at once.
bool has_window(const image::ImageT& image, const image::ProcessT& process,
                const image::MappingT& mapping);

}  // namespace appshot
