// Processes that share descriptors or folders with their parent, and not its memory (clone with
// CLONE_FILES or CLONE_FS). They are forked so; then the one whose they are first of all, the
// owner, takes them in the name of all, when the others need ours no more.
#pragma once

#include <cstdint>

#include "image/schema/values.h"

namespace appshot {

inline bool shares_beside(const image::ProcessT& process) {
  return !process.shares_memory && (process.shares_descriptors || process.shares_folders);
}

// CLONE_* with which it is forked.
uint64_t flags_beside(const image::ProcessT& process);

// Whether it has them first: some child shares what it shares with no parent.
bool owns_beside(const image::ImageT& image, const image::ProcessT& process);
// Whether its table of descriptors is also another's.
bool has_common_table(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot
