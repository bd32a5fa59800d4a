// Resource limits. Lowering is anyone's right; the hard limits of another machine may be out of
// reach, which find_differences tells before a restore begins.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "trace/call_list.h"

namespace appshot::limits {

// /proc/PID/limits.
std::vector<std::unique_ptr<image::LimitT>> parse(std::string_view text);
void find_differences(const image::ImageT& image, std::vector<Obstacle>& differences);
void plan(const image::ProcessT& process, CallList& calls, DataSpace& data);

}  // namespace appshot::limits
