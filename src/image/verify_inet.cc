#include "image/verify_inet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <vector>

#include "image/verify_mounts.h"
#include "image/verify_words.h"

namespace appshot::image {
namespace {

// The length of a sockaddr is that of its family, or it is none.
bool is_address(const std::vector<uint8_t>& name, int domain) {
  if (name.empty()) return true;
  sa_family_t family = 0;
  if (name.size() < sizeof family) return false;
  std::memcpy(&family, name.data(), sizeof family);
  return family == domain &&
         name.size() == (domain == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
}
bool is_inet(int domain) { return domain == AF_INET || domain == AF_INET6; }

Result<> waiting_connection(const TcpSocketT& waiting, int domain) {
  const bool is_one = waiting.state == TCP_ESTABLISHED || waiting.state == TCP_CLOSE_WAIT ||
                      waiting.state == TCP_CLOSE;
  if (!is_one || waiting.domain != domain || !waiting.connection || waiting.name.empty() ||
      !waiting.waiting.empty() || !waiting.to_send.empty())
    return wrong("a TCP connection that waits to be accepted");
  return verify_tcp_socket(waiting);
}

}  // namespace

Result<> verify_tcp_socket(const TcpSocketT& socket) {
  if (!is_inet(socket.domain)) return wrong("the family of a TCP socket");
  if (!is_address(socket.name, socket.domain) || !is_address(socket.peer_name, socket.domain))
    return wrong("the name of a TCP socket");
  if (socket.unsent > socket.to_send.size()) return wrong("what a TCP socket has to send");
  const bool has_urgent = socket.urgent_at != -1;
  if (has_urgent && (!socket.connection || !inside(socket.urgent_at, socket.to_read.size())))
    return wrong("an urgent byte");
  if (socket.connection && socket.peer_name.empty()) return wrong("a TCP connection");
  if (socket.connection && !socket.connection->window) return wrong("a TCP connection's window");
  for (const auto& waiting : socket.waiting) TRY(waiting_connection(*waiting, socket.domain));
  return {};
}

Result<> verify_udp_socket(const UdpSocketT& socket) {
  if (!is_inet(socket.domain)) return wrong("the family of a UDP socket");
  if (!is_address(socket.name, socket.domain) || !is_address(socket.peer_name, socket.domain))
    return wrong("the name of a UDP socket");
  for (const auto& datagram : socket.datagrams)
    if (!is_address(datagram->from, socket.domain) || !is_address(datagram->to, socket.domain))
      return wrong("the address of a datagram");
  if (socket.begun && (socket.begun->to.empty() || !is_address(socket.begun->to, socket.domain)))
    return wrong("the address of a datagram that has been begun");
  return {};
}

namespace {

bool is_closed(int state) {
  return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
         state == TCP_LAST_ACK;
}

}  // namespace

Result<> verify_left_tcp(const ImageT& image) {
  for (const auto& one : image.unowned_tcp) {
    TRY(verify_space(image, one->network, "net"));
    const TcpSocketT* socket = one->socket.get();
    if (socket == nullptr || !is_closed(socket->state) || !socket->connection ||
        socket->name.empty() || !socket->to_read.empty() || !socket->waiting.empty())
      return wrong("a TCP connection that has been closed");
    TRY(verify_tcp_socket(*socket));
  }
  for (const EndedTcp& one : image.ended_tcp) {
    TRY(verify_space(image, one.network(), "net"));
    const bool is_one = one.state() == TCP_TIME_WAIT || one.state() == TCP_FIN_WAIT2;
    if (!is_one || !is_inet(one.domain()) || one.port() == 0 || one.peer_port() == 0 ||
        one.window_scale() > TCP_MAX_WINSHIFT)
      return wrong("what is left of a TCP connection");
  }
  return {};
}

}  // namespace appshot::image
