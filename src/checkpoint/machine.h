// What an image needs of the machine it is restored on: written down at the snapshot, compared
// before a restore.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "image/schema/values.h"

namespace appshot {

Result<std::unique_ptr<image::MachineT>> describe_machine();

// Each difference that makes the image unusable here, in words.
void find_machine_differences(const image::MachineT& then, const image::MachineT& now,
                              std::vector<Obstacle>& differences);

}  // namespace appshot
