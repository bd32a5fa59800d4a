// System V objects and POSIX message queues: what is in them, and what they are called.
#pragma once

#include "templates/context.h"

namespace appshot::templates {

void add_ipc(Context& context);

}  // namespace appshot::templates
