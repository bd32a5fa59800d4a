#include "templates/inet_names.h"

#include <netinet/in.h>

#include <cstring>

#include "os/socket_name.h"

namespace appshot::templates {
namespace {

constexpr uint8_t kLoopbackNet = 127;

IpAddress plain(const IpAddress& address) {
  if (address.family() != AF_INET6) return address;
  in6_addr v6{};
  std::memcpy(&v6, address.bytes().data(), sizeof v6);
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return address;
  uint32_t number = 0;
  std::memcpy(&number, &v6.s6_addr[12], sizeof number);
  return IpAddress::v4(ntohl(number));
}

bool is_loopback(const IpAddress& address) {
  if (address.is_v4()) return address.bytes()[0] == kLoopbackNet;
  return address.family() == AF_INET6 && address == IpAddress::v6(in6addr_loopback);
}

}  // namespace

InetName inet_name(const std::vector<uint8_t>& bytes) {
  SocketName name;
  if (bytes.size() < sizeof(sockaddr_in) || bytes.size() > sizeof name.storage) return {};
  std::memcpy(&name.storage, bytes.data(), bytes.size());
  const IpAddress address = plain(name.address());
  return address ? InetName{address, name.port()} : InetName{};
}

std::string InetName::text() const {
  if (!address) return {};
  const std::string where = address.is_v4() ? address.text() : "[" + address.text() + "]";
  return where + ":" + std::to_string(port);
}

Connections::Connections(const image::ImageT& image) {
  for (const auto& file : image.open_files)
    if (const auto* socket = file->kind.AsTcpSocket()) add(*socket);
  for (const auto& left : image.unowned_tcp) add(*left->socket);
}

void Connections::add(const image::TcpSocketT& socket) {
  if (!socket.peer_name.empty())
    ends_.emplace(inet_name(socket.name).text(), inet_name(socket.peer_name).text());
  for (const auto& waiting : socket.waiting) add(*waiting);
}

bool Connections::lead_out(const image::TcpSocketT& socket) const {
  if (socket.outside) return true;
  const InetName own = inet_name(socket.name), peer = inet_name(socket.peer_name);
  if (!peer.address || is_loopback(peer.address) || peer.address == own.address) return false;
  return !ends_.contains({peer.text(), own.text()});
}

}  // namespace appshot::templates
