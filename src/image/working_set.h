// Which pages were asked for first by an application whose memory came in after it ran, in that
// order. A hint that lies beside an image, and in an instance's own folder for its next image: a
// restore brings them in before the others. One that is missing or damaged costs nothing but time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot::image {

inline constexpr char kWorkingSetName[] = "working-set";

struct AskedPage {
  uint64_t pid;  // as the process has it
  uint64_t address;
  auto operator<=>(const AskedPage&) const = default;
};
using WorkingSet = std::vector<AskedPage>;  // each once

// Empty when nothing is known.
WorkingSet read_working_set(const std::string& folder);
// Replaces what is there in one step.
Result<> write_working_set(int folder, const WorkingSet& set);

// What was known, and therefore not asked for, then what was: as many as are worth being brought in
// first. What is new displaces the last of what was known.
WorkingSet merged_working_set(const WorkingSet& known, const WorkingSet& asked_for);

}  // namespace appshot::image
