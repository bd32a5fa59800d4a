// Memory of processes, and what several of them share.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// Mappings of one process. What is of one class, for one reason and of one name is one record.
void add_memory(Context& context, const image::ProcessT& process);

// Memory that several mappings and descriptors may share.
void add_shared_memory(Context& context);

}  // namespace appshot::templates
