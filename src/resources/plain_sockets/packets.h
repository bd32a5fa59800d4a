// What is to be read from raw sockets and those for pings: packets, which the kernel's memory tells
// as they came, and which come once more.
#pragma once

#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::plain_sockets {

// Why what waits in it cannot be kept; empty: it can.
std::string why_packets_are_lost(const InstanceView& instance);
Result<> capture_packets(CaptureContext& context, int socket, image::PlainSocketT& into);

// Before any other socket of IPv4 and IPv6, which the kernel would tell of the packets as well; and
// when what waits in all of those has come, of which raw sockets would get copies.
Result<> make_deaf(RestoreContext& context);
Result<> let_hear(RestoreContext& context);

}  // namespace appshot::plain_sockets
