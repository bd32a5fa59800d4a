// What lets an instance keep the address that it believes to have, while everyone else knows it by
// another: two programs at the host's end of its cable. What comes from the instance is translated
// before the host looks at it, what goes there when the host is done with it; so routes, packet
// filters and the tracking of connections know the outer address alone, and the instance the inner.
//
// The kernel keeps the programs as long as the device, whoever of ours lives.
#pragma once

#include "base/result.h"
#include "endpoints/addresses.h"
#include "os/netlink.h"

namespace appshot {

// Of the host's end of a cable, by a socket in the network namespace that it is in; once in its
// life. Class unsupported where the kernel takes no such programs.
Result<> translate_at(NetlinkSocket& host, int device, const EndpointAddresses& addresses);

}  // namespace appshot
