#include "endpoints/port_claim.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "os/port_holder.h"
#include "os/socket_name.h"

namespace appshot {
namespace {

Result<> bind_to(int socket, const IpAddress& address, uint16_t port) {
  const SocketName name = SocketName::of(address, port);
  TRY_SYS(::bind(socket, name.get(), name.size));
  return {};
}

Result<uint16_t> port_of(int socket) {
  SocketName name;
  TRY_SYS(::getsockname(socket, name.get(), &name.size));
  return name.port();
}

}  // namespace

Result<PortClaim> PortClaim::take(const PublishedPort& port) {
  const int type = (port.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  // One of IPv6 stands for both families.
  IpAddress at = port.at ? port.at : IpAddress::v6(in6addr_any);
  UniqueFd socket(::socket(at.family(), type, 0));
  if (!socket && errno == EAFNOSUPPORT && !port.at) {
    at = IpAddress::v4(INADDR_ANY);
    socket.reset(::socket(AF_INET, type, 0));
  }
  if (!socket) return Error::from_errno(errno, "socket for port " + port.text());
  // What is left of connections of before is no owner.
  const int reuse = port.udp ? 0 : 1;
  TRY_SYS(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse));
  Result<> bound = bind_to(socket.get(), at, port.port);
  // Only one who listens keeps others that reuse addresses away.
  if (bound && !port.udp && ::listen(socket.get(), 0) != 0)
    bound = Error::from_errno(errno, "listen");
  if (bound) return PortClaim(std::move(socket), TRY(port_of(socket.get())));
  const std::string number = "port " + std::to_string(port.port) + (port.udp ? "/udp" : "");
  if (bound.error().err() == EADDRINUSE) {
    const std::string who = holder_of_port(port.port, port.udp);
    return Error(ErrorClass::conflict,
                 number + " is taken by " + (who.empty() ? "another program" : who))
        .hint("publish another port, or end that program first");
  }
  if (bound.error().err() == EADDRNOTAVAIL)
    return Error(ErrorClass::usage, at.text() + " is no address of this machine")
        .hint("publish at one of this machine's addresses, or without one at all of them");
  return std::move(bound).within(number).take_error();
}

bool collide(const PublishedPort& one, const PublishedPort& other) {
  if (one.port != other.port || one.udp != other.udp) return false;
  return !one.at || !other.at || one.at == other.at;
}

}  // namespace appshot
