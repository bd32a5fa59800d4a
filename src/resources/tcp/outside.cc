#include "resources/tcp/outside.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "os/sock_diag.h"
#include "resources/inet.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"
#include "resources/tcp/waiting.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

constexpr int kLooksMax = 100;

using Key = std::pair<std::string, std::string>;

std::string text_of(const TcpEnd& end) {
  return end.address.text() + " " + std::to_string(end.port);
}
Key key_of(const TcpNames& names) { return {text_of(names.own), text_of(names.peer)}; }
Key turned(const Key& key) { return {key.second, key.first}; }

// Of the host's network: those that are connected, with those that wait, and those that listen.
struct Seen {
  std::vector<TcpSocketT*> connections, waiting, listeners;
};

Seen sockets_of(CaptureContext& context) {
  Seen seen;
  for (const auto& [inode, socket] : context.sockets) {
    image::OpenFileT& file = *context.image.open_files[static_cast<size_t>(socket.file)];
    TcpSocketT* record = file.kind.AsTcpSocket();
    if (record == nullptr || file.network >= 0) continue;
    if (is_connected(record->state)) seen.connections.push_back(record);
    if (record->state == TCP_LISTEN) seen.listeners.push_back(record);
    for (const auto& waiting : record->waiting) seen.waiting.push_back(waiting.get());
  }
  return seen;
}

// The other end has been closed when everything had arrived; should the kernel still know of it,
// it belongs to nobody.
class Owners {
 public:
  Result<bool> has_one(const Key& end) {
    if (!owned_) {
      owned_.emplace();
      for (const TcpConnectionState& one : TRY(list_tcp_connections()))
        if (one.inode != 0) owned_->insert(key_of(one.names));
    }
    return owned_->contains(end);
  }

 private:
  std::optional<std::set<Key>> owned_;
};

Result<> mark(const Seen& seen) {
  std::set<Key> own;
  for (const TcpSocketT* connection : seen.connections) own.insert(key_of(names_of(*connection)));
  Owners owners;
  for (TcpSocketT* connection : seen.connections) {
    const Key other = turned(key_of(names_of(*connection)));
    const bool was_closed = was_finished(connection->state) && !has_outside_peer(*connection);
    connection->outside = !own.contains(other) && (!was_closed || TRY(owners.has_one(other)));
  }
  for (TcpSocketT* waiting : seen.waiting) {
    waiting->outside = true;
    if (own.contains(turned(key_of(names_of(*waiting)))))
      return Error(ErrorClass::refused,
                   "a connection of the application with itself waits to be "
                   "accepted at port " +
                       std::to_string(port_of(waiting->name)) + ", in the host's network")
          .hint("let the application accept it first");
  }
  return {};
}

HeldTcp voices_of(const Seen& seen, std::set<Key>& known) {
  HeldTcp voices;
  for (const auto* list : {&seen.connections, &seen.waiting})
    for (const TcpSocketT* connection : *list) {
      const TcpNames names = names_of(*connection);
      if (connection->outside && known.insert(key_of(names)).second)
        voices.connections.push_back(names);
    }
  for (const TcpSocketT* listener : seen.listeners) {
    const bool everywhere = is_anywhere(listener->name);
    voices.listeners.push_back(
        {everywhere ? IpAddress() : ip_address_of(listener->name), port_of(listener->name)});
  }
  return voices;
}

}  // namespace

TcpNames names_of(const TcpSocketT& connection) {
  return {{ip_address_of(connection.name), port_of(connection.name)},
          {ip_address_of(connection.peer_name), port_of(connection.peer_name)}};
}

Result<> find_outside(CaptureContext& context) {
  if (!context.instance.share.net) return {};
  std::set<Key> held;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    // Whoever has come to wait since the last look may have been answered since.
    TRY(capture_waiting(context));
    const Seen seen = sockets_of(context);
    TRY(mark(seen));
    if (!context.hold) return {};
    const HeldTcp voices = voices_of(seen, held);
    if (voices.connections.empty() && looks > 0) return {};
    if (Result<> done = context.hold(voices); !done)
      return std::move(done)
          .within("keeping the host from answering for connections with others")
          .take_error()
          .as(ErrorClass::refused);
  }
  return Error(ErrorClass::timeout, "connections keep coming to where they wait to be accepted");
}

void vanish(CaptureContext& context) {
  if (!context.instance.share.net) return;
  for (const auto& [inode, socket] : context.sockets) {
    const image::OpenFileT& file = *context.image.open_files[static_cast<size_t>(socket.file)];
    const TcpSocketT* record = file.kind.AsTcpSocket();
    // One that has ended since has nothing to say.
    if (record != nullptr && record->connection) (void)!enter_repair(socket.copy.get());
  }
}

Result<> clear_leftovers(std::span<const TcpNames> to_be_made) {
  std::set<Key> wanted;
  for (const TcpNames& names : to_be_made) wanted.insert(key_of(names));
  if (wanted.empty()) return {};
  for (const TcpConnectionState& one : TRY(list_tcp_connections())) {
    if (one.inode != 0 || !wanted.contains(key_of(one.names))) continue;
    // Where the kernel cannot do that, the connection is lost if it is in the way.
    Result<> ended = end_connection(one);
    if (!ended && ended.error().err() != EOPNOTSUPP) return ended;
  }
  return {};
}

}  // namespace appshot::tcp
