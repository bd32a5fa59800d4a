// Processes with everything that is theirs.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

void add_processes(Context& context);

}  // namespace appshot::templates
