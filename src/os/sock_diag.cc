#include "os/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "os/netlink.h"

namespace appshot {
namespace {

constexpr size_t kFixed = sizeof(unix_diag_msg);

UnixSocketState parse(const NetlinkAnswer& answer) {
  const auto message = answer.fixed<unix_diag_msg>();
  UnixSocketState state;
  state.inode = message.udiag_ino;
  state.listening = message.udiag_state == TCP_LISTEN;
  state.peer = answer.number<uint32_t>(kFixed, UNIX_DIAG_PEER);
  state.shut = answer.number<uint8_t>(kFixed, UNIX_DIAG_SHUTDOWN);
  const auto queues = answer.number<unix_diag_rqlen>(kFixed, UNIX_DIAG_RQLEN);
  state.to_read = queues.udiag_rqueue;
  state.not_taken = queues.udiag_wqueue;
  std::span<const uint8_t> waiting = answer.attribute(kFixed, UNIX_DIAG_ICONS);
  state.waiting.resize(waiting.size() / sizeof(uint32_t));
  std::memcpy(state.waiting.data(), waiting.data(), state.waiting.size() * sizeof(uint32_t));
  return state;
}

std::vector<uint8_t> peer_of(int family, const inet_diag_msg& message) {
  std::vector<uint8_t> name;
  auto put = [&](const auto& address) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&address);
    name.assign(bytes, bytes + sizeof address);
  };
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = message.id.idiag_dport;
    std::memcpy(&address.sin_addr, message.id.idiag_dst, sizeof address.sin_addr);
    put(address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = message.id.idiag_dport;
    std::memcpy(&address.sin6_addr, message.id.idiag_dst, sizeof address.sin6_addr);
    address.sin6_scope_id = message.id.idiag_if;
    put(address);
  }
  return name;
}

}  // namespace

Result<std::map<uint32_t, UnixSocketState>> list_unix_sockets() {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = ~0U;
  request.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN;
  std::map<uint32_t, UnixSocketState> all;
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_SOCK_DIAG));
  TRY(socket.list(SOCK_DIAG_BY_FAMILY, {reinterpret_cast<const uint8_t*>(&request), sizeof request},
                  "list of UNIX sockets", [&](const NetlinkAnswer& answer) {
                    UnixSocketState state = parse(answer);
                    const uint32_t inode = state.inode;
                    all.emplace(inode, std::move(state));
                  }));
  return all;
}

namespace {

Result<> list_tcp(int family, uint32_t states,
                  const std::function<void(const inet_diag_msg&)>& take) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<uint8_t>(family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = states;
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_SOCK_DIAG));
  return socket.list(SOCK_DIAG_BY_FAMILY,
                     {reinterpret_cast<const uint8_t*>(&request), sizeof request},
                     "list of TCP sockets",
                     [&](const NetlinkAnswer& answer) { take(answer.fixed<inet_diag_msg>()); });
}

}  // namespace

Result<std::map<uint32_t, std::vector<uint8_t>>> list_connecting(int family) {
  std::map<uint32_t, std::vector<uint8_t>> all;
  TRY(list_tcp(family, 1U << TCP_SYN_SENT, [&](const inet_diag_msg& message) {
    all.emplace(message.idiag_inode, peer_of(family, message));
  }));
  return all;
}

Result<std::set<std::vector<uint8_t>>> list_handshakes() {
  std::set<std::vector<uint8_t>> all;
  for (int family : {AF_INET, AF_INET6})
    TRY(list_tcp(family, 1U << TCP_SYN_RECV,
                 [&](const inet_diag_msg& message) { all.insert(peer_of(family, message)); }));
  return all;
}

Result<std::vector<UnfinishedSending>> list_unfinished_sending() {
  std::vector<UnfinishedSending> all;
  for (int family : {AF_INET, AF_INET6})
    TRY(list_tcp(family, 1U << TCP_FIN_WAIT1 | 1U << TCP_CLOSING | 1U << TCP_LAST_ACK,
                 [&](const inet_diag_msg& message) {
                   if (message.idiag_inode == 0 && message.idiag_wqueue != 0)
                     all.push_back({peer_of(family, message), message.idiag_wqueue});
                 }));
  return all;
}

namespace {

TcpEnd end_of(int family, const __be32* address, __be16 port) {
  if (family == AF_INET) return {IpAddress::v4(ntohl(address[0])), ntohs(port)};
  in6_addr v6{};
  std::memcpy(&v6, address, sizeof v6);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return {IpAddress::v4(ntohl(address[3])), ntohs(port)};
  return {IpAddress::v6(v6), ntohs(port)};
}

void put(const TcpEnd& end, int family, __be32* address, __be16& port) {
  port = htons(end.port);
  if (end.address.is_v4() && family == AF_INET6) address[2] = htonl(0xffff);
  const size_t at = end.address.is_v4() && family == AF_INET6 ? 3 : 0;
  std::memcpy(address + at, end.address.bytes().data(), end.address.bytes().size());
}

}  // namespace

Result<std::vector<TcpConnectionState>> list_tcp_connections() {
  std::vector<TcpConnectionState> all;
  for (int family : {AF_INET, AF_INET6})
    TRY(list_tcp(family, ~(1U << TCP_LISTEN | 1U << TCP_CLOSE), [&](const inet_diag_msg& message) {
      const inet_diag_sockid& id = message.id;
      all.push_back({{end_of(family, id.idiag_src, id.idiag_sport),
                      end_of(family, id.idiag_dst, id.idiag_dport)},
                     message.idiag_inode,
                     family,
                     {id.idiag_cookie[0], id.idiag_cookie[1]}});
    }));
  return all;
}

Result<> end_connection(const TcpConnectionState& connection) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<uint8_t>(connection.family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  inet_diag_sockid& id = request.id;
  put(connection.names.own, connection.family, id.idiag_src, id.idiag_sport);
  put(connection.names.peer, connection.family, id.idiag_dst, id.idiag_dport);
  std::copy(connection.cookie.begin(), connection.cookie.end(), id.idiag_cookie);
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_SOCK_DIAG));
  return socket.change(
      NetlinkMessage(SOCK_DESTROY, NLM_F_ACK, request, "end of a closed TCP connection"), ENOENT);
}

}  // namespace appshot
