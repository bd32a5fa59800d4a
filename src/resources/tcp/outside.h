// Connections in the host's network, which an instance may share: their names do not tell whether
// somebody else is at the other end, and what the host's kernel says in those names, when nobody
// of the instance is there, is heard by others.
#pragma once

#include <span>

#include "base/result.h"
#include "os/tcp_names.h"
#include "resources/capture_context.h"

namespace appshot::tcp {

// Marks the records whose other end is outside, those of connections that wait to be accepted
// among them. Where the application is about to end nothing is said in their names from then on.
// In a network of the instance's own there is nothing to do.
Result<> find_outside(CaptureContext& context);

// The application has been killed: what it was connected with is not told, in the host's network.
void vanish(CaptureContext& context);

// What the host's kernel still keeps of connections that are about to be made, though no program
// has them any more.
Result<> clear_leftovers(std::span<const TcpNames> to_be_made);

TcpNames names_of(const image::TcpSocketT& connection);

}  // namespace appshot::tcp
