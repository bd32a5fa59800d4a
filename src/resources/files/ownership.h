// Whom an open file signals (F_SETOWN, O_ASYNC): processes and threads of the application.
#pragma once

#include "image/schema/values.h"
#include "resources/pid_spaces.h"
#include "trace/call_list.h"

namespace appshot::files {

// By who has it open, when all processes and threads exist.
void plan_owners(const image::ImageT& image, const PidSpaces& spaces,
                 const image::ProcessT& process, CallList& calls, DataSpace& data);

}  // namespace appshot::files
