// Sockets of every kind, the ports at which they are, and what is left of connections.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

// `subject`: with everything that is so for open files of any kind.
void add_socket(Context& context, const image::OpenFileT& file, Subject subject);

// TCP connections that no process has any more.
void add_left_connections(Context& context);

}  // namespace appshot::templates
