#include "endpoints/name_connections.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace appshot {
namespace {

constexpr size_t kConnectionsMax = 32;
constexpr size_t kPiece = 16 * 1024;
constexpr std::chrono::seconds kSilenceMax{10};

bool is_for_later(int err) { return err == EAGAIN || err == EINTR; }

}  // namespace

void NameConnections::take_all() {
  for (;;) {
    SocketName from;
    UniqueFd client(
        ::accept4(listener_.get(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) return;
    const bool is_served =
        clients_.contains(from.address()) && connections_.size() < 2 * kConnectionsMax;
    if (!is_served) continue;  // it is closed
    auto connection = std::make_shared<Connection>();
    connection->client.socket = std::move(client);
    connection->servers = servers_();
    connect_next(connection);
  }
}

// If there is none left, the client is told so.
void NameConnections::connect_next(const Shared& connection) {
  while (connection->asked < connection->servers.size()) {
    connections_.erase(connection->server.socket.get());
    const NameServer& server = connection->servers[connection->asked++];
    const SocketName to = SocketName::of(server.address, server.port);
    connection->server = {};
    UniqueFd& socket = connection->server.socket;
    socket.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) continue;
    if (::connect(socket.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) continue;
    connection->deadline = Deadline::in(kSilenceMax);
    if (watch(connection, connection->server, EPOLLOUT)) return;
  }
  close(connection);
}

bool NameConnections::serve(int fd) {
  auto found = connections_.find(fd);
  if (found == connections_.end()) return false;
  const Shared connection = found->second;
  if (!connection->is_made && !make(connection)) return true;
  End &client = connection->client, &server = connection->server;
  const bool goes_on = hear(client, server) && hear(server, client) && say(server, client) &&
                       say(client, server) && !(client.was_told && server.was_told);
  connection->deadline = Deadline::in(kSilenceMax);
  if (!goes_on || !watch(connection)) close(connection);
  return true;
}

// Whether the server is there. If it is known that it is not, the next one is asked.
bool NameConnections::make(const Shared& connection) {
  const int server = connection->server.socket.get();
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(server, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    connect_next(connection);
    return false;
  }
  // What woke us may have been about another socket, of the same number.
  SocketName peer;
  connection->is_made = ::getpeername(server, peer.get(), &peer.size) == 0;
  return connection->is_made;
}

// No more than the other has taken.
bool NameConnections::hear(End& from, End& to) {
  if (from.has_ended || !to.to_say.empty()) return true;
  std::vector<uint8_t> heard(kPiece);
  const ssize_t got = ::recv(from.socket.get(), heard.data(), heard.size(), 0);
  if (got < 0) return is_for_later(errno);
  from.has_ended = got == 0;
  heard.resize(static_cast<size_t>(got));
  to.to_say = std::move(heard);
  return true;
}

bool NameConnections::say(End& to, const End& from) {
  if (!to.to_say.empty()) {
    const ssize_t said = ::send(to.socket.get(), to.to_say.data(), to.to_say.size(), MSG_NOSIGNAL);
    if (said < 0) return is_for_later(errno);
    to.to_say.erase(to.to_say.begin(), to.to_say.begin() + said);
  }
  if (!to.to_say.empty() || !from.has_ended || to.was_told) return true;
  to.was_told = true;
  ::shutdown(to.socket.get(), SHUT_WR);  // fails where the other is gone, which shows then
  return true;
}

bool NameConnections::watch(const Shared& connection) {
  End &client = connection->client, &server = connection->server;
  auto wish = [](const End& end, const End& other) {
    uint32_t events = 0;
    if (!end.has_ended && other.to_say.empty()) events |= EPOLLIN;
    if (!end.to_say.empty()) events |= EPOLLOUT;
    return events;
  };
  return watch(connection, client, wish(client, server)) &&
         watch(connection, server, wish(server, client));
}

bool NameConnections::watch(const Shared& connection, End& end, uint32_t events) {
  const int fd = end.socket.get();
  const bool is_known = connections_.contains(fd);
  if (is_known && events == end.watched) return true;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) return false;
  end.watched = events;
  connections_[fd] = connection;
  return true;
}

void NameConnections::close(const Shared& connection) {
  connections_.erase(connection->client.socket.get());
  connections_.erase(connection->server.socket.get());
}

void NameConnections::expire() {
  std::set<Shared> late;
  for (const auto& [fd, connection] : connections_)
    if (connection->deadline.passed()) late.insert(connection);
  for (const Shared& connection : late) close(connection);
}

int NameConnections::left_ms() const {
  int left = -1;
  for (const auto& [fd, connection] : connections_) {
    const int its = connection->deadline.left_ms();
    left = left < 0 ? its : std::min(left, its);
  }
  return left;
}

}  // namespace appshot
