#include "resources/tcp/ends.h"

#include <netinet/tcp.h>

#include "resources/inet.h"
#include "resources/tcp/states.h"
#include "resources/translation.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

// What one has sent and the other not got is what it still has to send.
bool fits(const TcpSocketT& from, const TcpSocketT& to) {
  const uint32_t on_its_way = from.connection->send_sequence - to.connection->receive_sequence;
  return on_its_way <= from.to_send.size() + 1;
}

int place(int network, const TcpSocketT& end) {
  constexpr int kAnywhere = -2;
  return Ends::leads_elsewhere(end) ? kAnywhere : network;
}

}  // namespace

Ends::Ends(const image::ImageT& image) {
  for (const auto& file : image.open_files)
    if (const TcpSocketT* socket = file->kind.AsTcpSocket()) {
      if (socket->connection) add(file->network, *socket);
      for (const auto& waiting : socket->waiting)
        if (waiting->state != TCP_CLOSE) add(file->network, *waiting);
    }
  for (const auto& one : image.unowned_tcp) add(one->network, *one->socket);
  for (const auto& network : image.networks)
    for (const auto& track : network->tracks) add_translation(*track);
}

bool Ends::leads_elsewhere(const TcpSocketT& end) { return has_outside_peer(end); }

void Ends::add(int network, const TcpSocketT& end) {
  by_names_.emplace(Key{place(network, end), key_of(end.name), key_of(end.peer_name)}, &end);
}

void Ends::add_translation(const image::NetworkObjectT& track) {
  const auto names = translation_of_tcp(track.body);
  if (!names) return;
  const Names caller{key_of(names->caller), key_of(names->called)},
      callee{key_of(names->callee), key_of(names->calling)};
  translated_[caller] = callee;
  translated_[callee] = caller;
}

const TcpSocketT* Ends::find(int network, const TcpSocketT& of, const Names& names) const {
  auto [first, last] = by_names_.equal_range({place(network, of), names.first, names.second});
  for (auto one = first; one != last; ++one)
    if (fits(of, *one->second) && fits(*one->second, of)) return one->second;
  return nullptr;
}

const TcpSocketT* Ends::other_end(int network, const TcpSocketT& of) const {
  return find(network, of, {key_of(of.peer_name), key_of(of.name)});
}

const TcpSocketT* Ends::translated_end(int network, const TcpSocketT& of) const {
  auto seen = translated_.find({key_of(of.name), key_of(of.peer_name)});
  return seen == translated_.end() ? nullptr : find(network, of, seen->second);
}

}  // namespace appshot::tcp
