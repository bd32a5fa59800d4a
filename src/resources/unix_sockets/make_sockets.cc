#include "resources/unix_sockets/make_sockets.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "resources/sockets.h"
#include "resources/unix_sockets/identities.h"
#include "resources/unix_sockets/messages.h"
#include "resources/unix_sockets/names.h"

namespace appshot::unix_sockets {
namespace {

using image::UnixSocketT;
using image::UnixState;

Result<UniqueFd> new_socket(int type) {
  return UniqueFd(TRY_SYS(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)));
}

Result<> bind_own(const RestoreContext& context, int socket, const UnixSocketT& record) {
  BoundFile where{record.file.get(), "", record.file_uid, record.file_gid};
  if (record.file) where.root = context.in_space(record.file->space, "");
  return bind_to(socket, record.name, where);
}

bool is_datagram(const UnixSocketT& record) { return record.type == SOCK_DGRAM; }

const UnixSocketT* unix_socket(const image::ImageT& image, int index) {
  return index < 0 ? nullptr : image.open_files[static_cast<size_t>(index)]->kind.AsUnixSocket();
}

// A datagram socket that can only have been made together with its peer: nobody could have called
// it by a name.
bool is_paired(const image::ImageT& image, int index) {
  const UnixSocketT& socket = *unix_socket(image, index);
  if (!is_datagram(socket) || socket.state != UnixState::connected) return false;
  const UnixSocketT* peer = unix_socket(image, socket.peer);
  if (peer == nullptr) return socket.peer_name.empty();
  return peer->name.empty() || (peer->peer == index && socket.name.empty());
}

// To be accepted; their other ends are not files yet.
std::set<int> clients_that_wait(const image::ImageT& image) {
  std::set<int> clients;
  for (size_t i = 0; i < image.open_files.size(); ++i)
    if (const UnixSocketT* socket = unix_socket(image, static_cast<int>(i)); socket != nullptr)
      for (const auto& waiting : socket->waiting)
        if (waiting->client >= 0) clients.insert(waiting->client);
  return clients;
}

class Maker {
 public:
  // Those of one network namespace.
  Maker(RestoreContext& context, int network)
      : context_(context), image_(context.image), waiting_(clients_that_wait(context.image)) {
    for (size_t i = 0; i < image_.open_files.size(); ++i) {
      const int index = static_cast<int>(i);
      const UnixSocketT* socket = unix_socket(image_, index);
      if (socket == nullptr || image_.open_files[i]->network != network) continue;
      indexes_.push_back(index);
      if (socket->state == UnixState::listening) listeners_[{socket->type, socket->name}] = index;
    }
  }

  Result<> run() {
    for (int index : indexes_) TRY(within(index, listener(index)));
    for (int index : indexes_) TRY(within(index, connection(index)));
    for (int index : indexes_) TRY(within(index, other(index)));
    for (int index : indexes_) TRY(within(index, waiting_clients(index)));
    return {};
  }

 private:
  Result<> within(int index, Result<> result) const {
    return std::move(result).within("UNIX socket of open file " + std::to_string(index));
  }
  const UnixSocketT& record(int index) const { return *unix_socket(image_, index); }
  const image::OpenFileT* file(int index) const {
    return image_.open_files[static_cast<size_t>(index)].get();
  }
  bool is_made(int index) const { return context_.sockets.count(file(index)) != 0; }
  int made(int index) const { return context_.sockets.at(file(index)).get(); }
  void keep(int index, UniqueFd socket) { context_.sockets[file(index)] = std::move(socket); }

  Result<> listener(int index) {
    const UnixSocketT& socket = record(index);
    if (socket.state != UnixState::listening) return {};
    UniqueFd fd = TRY(new_socket(socket.type));
    TRY(bind_own(context_, fd.get(), socket));
    TRY(listen_as(fd.get(), room_for_waiting(socket), socket.peer_identity.get()));
    keep(index, std::move(fd));
    return {};
  }

  // It may have been made smaller than what waited already.
  static int room_for_waiting(const UnixSocketT& socket) {
    return std::max(socket.backlog, static_cast<int>(socket.waiting.size()));
  }

  static Result<> listen_as(int socket, int backlog, const image::IdentityT* who) {
    return act_as_identity(who, [&] { return ::listen(socket, backlog) == 0 ? 0 : errno; });
  }

  // Streams and packets: with its peer, or with one that is closed again when the queue is full.
  Result<> connection(int index) {
    const UnixSocketT& socket = record(index);
    if (socket.state != UnixState::connected || is_datagram(socket) || is_made(index)) return {};
    if (waiting_.count(index) != 0) return {};
    const UnixSocketT* peer = unix_socket(image_, socket.peer);
    const Name& peer_name = peer != nullptr ? peer->name : socket.peer_name;
    std::array<UniqueFd, 2> ends;
    if (socket.name.empty() && peer_name.empty()) {
      ends = TRY(pair(socket));
    } else if (is_accepted(socket, peer_name)) {
      const image::IdentityT* listened = peer != nullptr ? peer->peer_identity.get() : nullptr;
      ends = TRY(connect({socket.type, &socket, socket.name, peer, peer_name, listened}));
    } else {
      ends = TRY(connect(
          {socket.type, peer, peer_name, &socket, socket.name, socket.peer_identity.get()}));
      std::swap(ends[0], ends[1]);
    }
    keep(index, std::move(ends[0]));
    if (peer != nullptr)
      keep(socket.peer, std::move(ends[1]));
    else
      context_.closed_peers[file(index)] = std::move(ends[1]);
    return {};
  }

  // An accepted socket is called as its listener; a client need not be called anything.
  bool is_accepted(const UnixSocketT& socket, const Name& peer_name) const {
    if (socket.name.empty() || peer_name.empty()) return !socket.name.empty();
    return find_listener(socket.type, socket.name) >= 0 || peer_name == socket.name;
  }

  int find_listener(int type, const Name& name) const {
    auto found = listeners_.find({type, name});
    return found == listeners_.end() ? -1 : found->second;
  }

  // The kernel notes who makes it.
  static Result<std::array<UniqueFd, 2>> pair(const UnixSocketT& socket) {
    void* shared =
        ::mmap(nullptr, sizeof(int[2]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return Error::from_errno(errno, "mmap");
    int* ends = static_cast<int*>(shared);
    auto make = [&] {
      return ::socketpair(AF_UNIX, socket.type | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
    };
    Result<> done = act_as_identity(socket.peer_identity.get(), make, CLONE_FILES);
    std::array<UniqueFd, 2> out;
    if (done) out = {UniqueFd(ends[0]), UniqueFd(ends[1])};
    ::munmap(shared, sizeof(int[2]));
    if (!done) return done.take_error();
    return out;
  }

  // Either record may be missing: that end has been closed.
  struct Connection {
    int type;
    const UnixSocketT* accepted;
    const Name& name;  // of the accepted end, and so of its listener
    const UnixSocketT* client;
    const Name& client_name;
    const image::IdentityT* who_listened;
  };

  // The accepted end and the client's.
  Result<std::array<UniqueFd, 2>> connect(const Connection& wanted) {
    UniqueFd temporary;
    const int known = find_listener(wanted.type, wanted.name);
    if (known < 0) {
      temporary = TRY(new_socket(wanted.type));
      TRY(bind_to(temporary.get(), wanted.name, {}));
      TRY(listen_as(temporary.get(), 1, wanted.who_listened));
    }
    const int listener = known >= 0 ? made(known) : temporary.get();
    UniqueFd client_end = TRY(new_socket(wanted.type));
    if (wanted.client != nullptr)
      TRY(bind_own(context_, client_end.get(), *wanted.client));
    else
      TRY(bind_to(client_end.get(), wanted.client_name, {}));
    const image::IdentityT* who =
        wanted.accepted != nullptr ? wanted.accepted->peer_identity.get() : nullptr;
    TRY(connect_as(client_end.get(), listener, wanted.name, who));
    UniqueFd accepted_end(TRY_SYS(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)));
    return std::array<UniqueFd, 2>{std::move(accepted_end), std::move(client_end)};
  }

  static Result<> connect_as(int client, int listener, const Name& name,
                             const image::IdentityT* who) {
    const Reach way = TRY(reach(listener, name));
    return act_as_identity(who, [&] {
      Result<> connected = connect_to(client, way.name);
      return connected ? 0 : connected.error().err();
    });
  }

  // Neither listening nor a stream that is connected. Datagram sockets are connected when their
  // queues are full: a connected one takes from its peer alone.
  Result<> other(int index) {
    const UnixSocketT& socket = record(index);
    if (is_made(index) || waiting_.count(index) != 0) return {};
    if (!is_paired(image_, index)) {
      keep(index, TRY(new_socket(socket.type)));
      return bind_own(context_, made(index), socket);
    }
    std::array<UniqueFd, 2> ends = TRY(pair(socket));
    keep(index, std::move(ends[0]));
    TRY(bind_own(context_, made(index), socket));
    const UnixSocketT* peer = unix_socket(image_, socket.peer);
    if (peer == nullptr) {
      context_.closed_peers[file(index)] = std::move(ends[1]);
      return {};
    }
    keep(socket.peer, std::move(ends[1]));
    return bind_own(context_, made(socket.peer), *peer);
  }

  Result<> waiting_clients(int index) {
    const UnixSocketT& listener = record(index);
    for (const auto& waiting : listener.waiting) {
      const int network = file(waiting->client >= 0 ? waiting->client : index)->network;
      UniqueFd client =
          TRY(context_.in_network(network, [&] { return new_socket(listener.type); }));
      if (waiting->client >= 0)
        TRY(bind_own(context_, client.get(), record(waiting->client)));
      else
        TRY(bind_to(client.get(), waiting->client_name, {}));
      // Since 6.16 the connection has these from its listener from now on.
      TRY(apply_options(made(index), waiting->options));
      TRY(connect_as(client.get(), made(index), listener.name, waiting->identity.get()));
      TRY(take_back(made(index), listener.type, waiting->options));
      std::vector<UniqueFd>& closed = context_.closed_clients[file(index)];
      closed.emplace_back();
      if (waiting->client >= 0)
        keep(waiting->client, std::move(client));
      else
        closed.back() = std::move(client);
    }
    if (room_for_waiting(listener) != listener.backlog)
      TRY(listen_as(made(index), listener.backlog, listener.peer_identity.get()));
    return {};
  }

  static Result<> take_back(int socket, int type, const SocketOptions& options) {
    if (options.empty()) return {};
    UniqueFd fresh = TRY(new_socket(type));
    for (const auto& option : options) {
      int value = 0;
      socklen_t length = sizeof value;
      TRY_SYS(::getsockopt(fresh.get(), option->level, option->name, &value, &length));
      TRY_SYS(::setsockopt(socket, option->level, option->name, &value, length));
    }
    return {};
  }

  RestoreContext& context_;
  const image::ImageT& image_;
  std::set<int> waiting_;
  std::vector<int> indexes_;
  std::map<std::pair<int, Name>, int> listeners_;
};

class Filler {
 public:
  explicit Filler(RestoreContext& context)
      : context_(context), image_(context.image), waiting_(clients_that_wait(context.image)) {}

  Result<> run() {
    for (size_t i = 0; i < image_.open_files.size(); ++i) {
      const UnixSocketT* socket = unix_socket(image_, static_cast<int>(i));
      if (socket != nullptr)
        TRY(context_.in_network(image_.open_files[i]->network, [&] { return fill(i, *socket); })
                .within("queue of open file " + std::to_string(i)));
    }
    for (size_t i = 0; i < image_.open_files.size(); ++i) {
      const UnixSocketT* socket = unix_socket(image_, static_cast<int>(i));
      if (socket != nullptr)
        TRY(context_.in_network(image_.open_files[i]->network, [&] { return finish(i, *socket); })
                .within("UNIX socket of open file " + std::to_string(i)));
    }
    return {};
  }

 private:
  int fd(size_t index) const { return context_.files[index].get(); }

  struct Sender {
    int socket;
    Name to;         // empty: it is connected
    UniqueFd own{};  // when the one that sent it is no more
    UniqueFd way{};  // that `to` leads through
  };

  Result<> send(const Sender& sender, const image::UnixMessageT& message) const {
    const BufferSizes sizes = TRY(make_room(sender.socket));
    TRY(send_again(sender.socket, message, context_.files, sender.to));
    return take_room_back(sender.socket, sizes);
  }

  Result<> fill(size_t index, const UnixSocketT& socket) {
    for (const auto& message : socket.messages) {
      const Sender sender = TRY(sender_of(index, socket, *message));
      TRY(send(sender, *message));
    }
    for (size_t i = 0; i < socket.waiting.size(); ++i)
      TRY(fill_waiting(index, i, *socket.waiting[i]));
    return {};
  }

  // The client sends it, whoever will accept the connection.
  Result<> fill_waiting(size_t index, size_t place, const image::UnixWaitingT& waiting) {
    const image::OpenFileT* listener = image_.open_files[index].get();
    UniqueFd& closed = context_.closed_clients.at(listener)[place];
    const int client = waiting.client >= 0 ? fd(static_cast<size_t>(waiting.client)) : closed.get();
    for (const auto& message : waiting.messages) TRY(send(Sender{client, {}}, *message));
    closed.reset();
    return {};
  }

  Result<Sender> sender_of(size_t index, const UnixSocketT& socket,
                           const image::UnixMessageT& message) {
    if (auto closed = context_.closed_peers.find(image_.open_files[index].get());
        closed != context_.closed_peers.end())
      return Sender{closed->second.get(), {}};
    if (!is_datagram(socket) || is_paired(image_, static_cast<int>(index))) return peer_of(socket);
    Reach way = TRY(reach(fd(index), socket.name));
    const int known = find_named(message.from, image_.open_files[index]->network);
    Sender sender{known >= 0 ? fd(static_cast<size_t>(known)) : -1, std::move(way.name)};
    sender.way = std::move(way.file);
    if (known < 0) {
      sender.own = TRY(new_socket(SOCK_DGRAM));
      TRY(bind_to(sender.own.get(), message.from, {}));
      sender.socket = sender.own.get();
    }
    return sender;
  }

  Result<Sender> peer_of(const UnixSocketT& socket) const {
    if (socket.peer < 0)
      return Error(ErrorClass::corrupt, "a UNIX socket holds messages that nobody can have sent");
    return Sender{fd(static_cast<size_t>(socket.peer)), {}};
  }

  // Paths are the same in all network namespaces.
  int find_named(const Name& name, int network) const {
    if (name.empty()) return -1;
    for (size_t i = 0; i < image_.open_files.size(); ++i) {
      const UnixSocketT* other = unix_socket(image_, static_cast<int>(i));
      if (other != nullptr && is_datagram(*other) && other->name == name &&
          (is_path(name) || image_.open_files[i]->network == network))
        return static_cast<int>(i);
    }
    return -1;
  }

  Result<> finish(size_t index, const UnixSocketT& socket) {
    if (is_datagram(socket) && socket.state == UnixState::connected)
      TRY(connect_datagrams(index, socket));
    TRY(close_peer(index, socket));
    const bool waits = waiting_.count(static_cast<int>(index)) != 0;
    if (socket.state == UnixState::connected && socket.shut != 0 && (socket.peer >= 0 || waits))
      TRY(shut(index, socket));
    TRY(apply_options(fd(index), socket.options));
    const uint32_t flags = image_.open_files[index]->flags;
    TRY_SYS(::fcntl(fd(index), F_SETFL, flags & (O_NONBLOCK | O_APPEND)));
    if (socket.uid != 0 || socket.gid != 0) TRY_SYS(::fchown(fd(index), socket.uid, socket.gid));
    return {};
  }

  Result<> connect_datagrams(size_t index, const UnixSocketT& socket) {
    if (is_paired(image_, static_cast<int>(index))) return {};  // since they were made
    const UnixSocketT* peer = unix_socket(image_, socket.peer);
    UniqueFd gone;
    if (peer == nullptr) {
      gone = TRY(new_socket(SOCK_DGRAM));
      TRY(bind_to(gone.get(), socket.peer_name, {}));
    }
    const int target = peer != nullptr ? fd(static_cast<size_t>(socket.peer)) : gone.get();
    const Reach way = TRY(reach(target, peer != nullptr ? peer->name : socket.peer_name));
    return connect_to(fd(index), way.name);
  }

  // It ended with something unread: that is told by an error, once.
  Result<> close_peer(size_t index, const UnixSocketT& socket) {
    auto closed = context_.closed_peers.find(image_.open_files[index].get());
    if (closed == context_.closed_peers.end()) return {};
    if (socket.reset) TRY_SYS(::send(fd(index), "", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
    context_.closed_peers.erase(closed);
    return {};
  }

  Result<> shut(size_t index, const UnixSocketT& socket) {
    constexpr uint8_t kReading = 1, kWriting = 2;
    const int how = socket.shut == kReading   ? SHUT_RD
                    : socket.shut == kWriting ? SHUT_WR
                                              : SHUT_RDWR;
    TRY_SYS(::shutdown(fd(index), how));
    return {};
  }

  RestoreContext& context_;
  const image::ImageT& image_;
  std::set<int> waiting_;
};

}  // namespace

Result<> make_all(RestoreContext& context) {
  for (int network : context.networks())
    TRY(context.in_network(network, [&] { return Maker(context, network).run(); }));
  return {};
}

Result<> fill_all(RestoreContext& context) { return Filler(context).run(); }

}  // namespace appshot::unix_sockets
