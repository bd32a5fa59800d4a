// What a process does with files that their mounts would not allow any more: programs and mappings
// on one that has become noexec, devices on one that has become nodev. It may go on with them; a
// restore could not open them anew. (What is open for writing keeps its mount from becoming
// read-only.)
#pragma once

#include "resources/obstacles.h"
#include "resources/process_source.h"

namespace appshot::mounts {

// Only where the application has mounted something is there anything to find.
void find_forbidden_uses(const ProcessSource& process, Obstacles& obstacles);

}  // namespace appshot::mounts
