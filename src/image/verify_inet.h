// What an image says of sockets of IPv4 and IPv6: a part of the verifier (see verify.cc).
#pragma once

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

Result<> verify_tcp_socket(const TcpSocketT& socket);
Result<> verify_udp_socket(const UdpSocketT& socket);
// Connections that no program has any more.
Result<> verify_left_tcp(const ImageT& image);

}  // namespace appshot::image
