// What network namespaces hold beside sockets: the instance's own, into which the application may
// have put more than appshot did, and those that the application has made.
#pragma once

#include <string>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/restore_context.h"

namespace appshot::networks {

// Of the namespace that `path` leads to, in words that follow "in which there is ": what cannot be
// kept. Empty: everything can.
Result<std::string> obstacle(const std::string& path);
// In the instance's own.
void find_obstacle(const InstanceView& instance, Obstacles& obstacles);

// While nothing runs. Of all that the application has made, and of the instance's own.
Result<> capture(CaptureContext& context);

// Inside the new instance's init, when the namespaces are there and no socket is yet: devices,
// settings, addresses, routes.
Result<> make_all(const RestoreContext& context);
// When all sockets are as they were: from here on packets are filtered.
Result<> begin_filtering(const RestoreContext& context);

}  // namespace appshot::networks
