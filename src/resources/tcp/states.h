// The states of a TCP socket (TCP_* of netinet/tcp.h) by what they mean for a capture.
#pragma once

#include <netinet/tcp.h>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::tcp {

constexpr bool is_connected(int state) {
  return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ||
         state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}
// It has said that it sends no more.
constexpr bool has_finished(int state) {
  return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_LAST_ACK ||
         state == TCP_CLOSING;
}
// It has been told so by the other end.
constexpr bool was_finished(int state) {
  return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}

// Nobody of the application can be at the other end.
bool has_outside_peer(const image::TcpSocketT& socket);

Result<tcp_info> info_of(int socket);

}  // namespace appshot::tcp
