// Which blocks of an image's pages were asked for first by applications restored from it, in that
// order. A hint that lies beside the image: a restore brings them in before the others. One that is
// missing or damaged costs nothing but time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot::image {

inline constexpr char kWorkingSetName[] = "working-set";

// Blocks below `blocks`, each once; empty when nothing is known.
std::vector<uint32_t> read_working_set(const std::string& folder, uint64_t blocks);
// Replaces what is there in one step.
Result<> write_working_set(int folder, const std::vector<uint32_t>& blocks);

// What was known, then what is new, as many as are worth being brought in first.
std::vector<uint32_t> merged_working_set(std::vector<uint32_t> known,
                                         const std::vector<uint32_t>& asked_for);

}  // namespace appshot::image
