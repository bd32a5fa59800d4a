// What the kernel keeps for a while of TCP connections that have nothing more to tell (TIME_WAIT,
// and those closed here whose other end has not finished): its port is kept from others, an end
// that comes once more is answered, and nothing late reaches a new connection of the same names.
#pragma once

#include <vector>

#include "base/result.h"
#include "os/kernel_tcp_list.h"
#include "resources/restore_context.h"

namespace appshot::tcp {

// `time`: what it is for a connection that counts from the kernel's beginning.
image::EndedTcp ended_record(const EndedTcpConnection& connection, int network, uint32_t time);

// Those of that network, in which the caller is; when those that listen and are connected have
// their ports. Each becomes a connection as it was just before its end, and is brought there by
// what its peer said then. There may be thousands, so all processors make them.
Result<> make_ended(RestoreContext& context, int network);
Result<> make_ended(const std::vector<const image::EndedTcp*>& records);

}  // namespace appshot::tcp
