// TCP sockets are made together: a connection's two ends must both be there before either speaks.
#pragma once

#include "base/result.h"
#include "resources/restore_context.h"

namespace appshot::tcp {

Result<> make_all(RestoreContext& context);

}  // namespace appshot::tcp
