// Errors that wait at a UDP socket: told of once more by the packets that have told of them.
#pragma once

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot::udp {

Result<> capture_errors(CaptureContext& context, int socket, image::UdpSocketT& into);
// When it is connected as it was.
Result<> put_back_errors(int socket, const image::UdpSocketT& from);

}  // namespace appshot::udp
