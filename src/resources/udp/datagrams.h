// The datagrams that wait in a UDP socket: read without taking them, and put back as if they came
// from whoever had sent them.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/instance_view.h"

namespace appshot::udp {

Result<> capture_datagrams(const InstanceView& instance, int socket, image::UdpSocketT& into);
Result<> put_back_datagrams(int socket, const image::UdpSocketT& from);

}  // namespace appshot::udp
