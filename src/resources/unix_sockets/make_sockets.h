// UNIX sockets are made together: each by connecting with its peer, as it once was.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"

namespace appshot::unix_sockets {

// All of the image, with names and connections, but without what is in them. Before files are
// opened; what they need meanwhile is kept in the context.
Result<> make_all(RestoreContext& context);

// When all files are there: what was queued, who waits to be accepted, what was shut, options.
Result<> fill_all(RestoreContext& context);

}  // namespace appshot::unix_sockets
