// What belongs to the instance as a whole: its names, addresses and ports, its clocks, namespaces,
// networks, mounts and terminals, and what it shares with the host.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

void add_namespaces(Context& context);  // with networks, mounts and terminals
void add_surroundings(Context& context);

}  // namespace appshot::templates
