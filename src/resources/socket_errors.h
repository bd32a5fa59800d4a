// Errors of sockets that their programs have not been told of yet, as images keep them.
#pragma once

#include <string>

#include "base/result.h"
#include "os/kernel_errors.h"
#include "resources/capture_context.h"

namespace appshot {

// Why those of a socket that has some cannot be known on this machine; empty: they can.
std::string why_errors_are_hidden(int socket);
// None where there are none, without a look into the kernel's memory.
Result<WaitingErrors> errors_of(CaptureContext& context, int socket);

}  // namespace appshot
