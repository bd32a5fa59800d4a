// What a process has open and where it stands: its descriptors, folders and namespaces. The last of
// what it does as our program.
#pragma once

#include "restore/become_child.h"
#include "restore/birthplace.h"

namespace appshot {

// By the process itself; nothing can be opened by its name afterwards.
Result<> take_surroundings_child(const BecomeContext& context, Birthplace& place,
                                 const image::ProcessT& process);

}  // namespace appshot
