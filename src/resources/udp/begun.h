// A datagram of which a UDP socket has been given a part (MSG_MORE, UDP_CORK): read out of the
// kernel's memory, and given again.
#pragma once

#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/capture_context.h"

namespace appshot::udp {

// Why it cannot be known on this machine; empty: it can, or there is none.
std::string why_begun_is_hidden(int socket);
// Into the record, if there is one.
Result<> capture_begun(CaptureContext& context, int socket, image::UdpSocketT& into);
// When the socket is as it was.
Result<> give_begun(int socket, const image::UdpSocketT& from);

}  // namespace appshot::udp
