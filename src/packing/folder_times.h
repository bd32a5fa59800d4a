// Times of folders, which change while something comes into them: so they are set at the end.
#pragma once

#include <sys/types.h>

#include <unordered_map>

#include "base/result.h"
#include "packing/entry.h"

namespace appshot::packing {

// Of all folders in and below that one whose number is known.
Result<> set_folder_times(int root, const std::unordered_map<ino_t, Time>& times);

}  // namespace appshot::packing
