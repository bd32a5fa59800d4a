#include "resources/tcp/make_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "base/deadline.h"
#include "resources/inet.h"
#include "resources/sockets.h"
#include "resources/tcp/connecting.h"
#include "resources/tcp/ended.h"
#include "resources/tcp/ends.h"
#include "resources/tcp/outside.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"
#include "resources/tcp/waiting.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

constexpr std::chrono::seconds kArrivalMax{10};

Result<UniqueFd> new_socket(int domain) {
  return UniqueFd(TRY_SYS(::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

bool is_outside(const TcpSocketT& socket) { return socket.outside || has_outside_peer(socket); }

// Those of one network namespace.
class Maker {
 public:
  Maker(RestoreContext& context, int network, const Ends& of_image)
      : context_(context),
        network_(network),
        of_image_(of_image),
        in_host_network_(network < 0 && std::ranges::count(context.image.share, "net") != 0),
        waiting_(context.keeps_connections, in_host_network_) {
    for (const auto& file : context.image.open_files)
      if (const TcpSocketT* socket = file->kind.AsTcpSocket(); socket && file->network == network)
        sockets_.push_back({file.get(), socket});
    for (const auto& one : context.image.unowned_tcp)
      if (one->network == network) unowned_.push_back(one->socket.get());
  }

  // In steps that all networks take together.
  Result<> make() {
    TRY(listeners());
    return connections();
  }
  // What answers those that speak then.
  Result<> end() {
    waiting_.let_all_speak();
    return make_ended(context_, network_);
  }
  Result<> speak() {
    for (End& end : ends_) TRY(within(*end.socket, Connecting(end).leave()));
    TRY(hear(&Connecting::hear_urgent, [](const End& end) { return end.socket->urgent_at >= 0; }));
    for (End& end : ends_) TRY(within(*end.socket, Connecting(end).speak()));
    return hear(&Connecting::hear_end, [](const End& end) {
      return end.other == nullptr && was_finished(end.socket->state);
    });
  }
  Result<> finish() {
    for (End& end : ends_) TRY(within(*end.socket, Connecting(end).settle()));
    for (End& end : ends_)
      if (end.file != nullptr) keep(*end.file, std::move(end.fd));
    ends_.clear();  // the closed ones are closed
    for (const auto& [file, socket] : sockets_) TRY(within(*socket, other(*file, *socket)));
    for (const auto& [file, socket] : sockets_) TRY(finish(*file, *socket));
    return {};
  }

 private:
  static Result<> within(const TcpSocketT& socket, Result<> result) {
    return std::move(result).within("TCP socket with port " + std::to_string(port_of(socket.name)));
  }
  int keep(const image::OpenFileT& file, UniqueFd socket) {
    const int fd = socket.get();
    context_.sockets[&file] = std::move(socket);
    return fd;
  }

  // Those that take what is for any address come before those that would be found instead.
  Result<> listeners() {
    for (const bool anywhere : {true, false})
      for (const auto& [file, socket] : sockets_)
        if (socket->state == TCP_LISTEN && is_anywhere(socket->name) == anywhere)
          TRY(within(*socket, listener(*file, *socket)));
    context_.lost_connections += waiting_.lost();
    return {};
  }

  Result<> listener(const image::OpenFileT& file, const TcpSocketT& socket) {
    const int fd = keep(file, TRY(new_socket(socket.domain)));
    TRY(apply_options(fd, socket.options));
    TRY(bind_to(fd, socket.name));
    // It may have promised room for fewer since.
    TRY_SYS(::listen(fd, std::max(socket.backlog, static_cast<int>(socket.waiting.size()))));
    TRY(waiting_.put_back(fd, socket));
    TRY_SYS(::listen(fd, socket.backlog));
    return {};
  }

  Result<> connections() {
    find_ends();
    if (in_host_network_) TRY(clear_leftovers(names_to_be_made()));
    for (auto end = ends_.begin(); end != ends_.end();) {
      Result<> made = Connecting(*end).make();
      const bool is_lost = !made && end->other == nullptr && has_lost_its_name(made.error());
      if (!made && !is_lost) return within(*end->socket, std::move(made));
      if (is_lost) lost_.insert(end->socket);
      end = is_lost ? ends_.erase(end) : std::next(end);
    }
    return {};
  }

  // The address is this machine's no more, or somebody else has made a connection of these names.
  static bool has_lost_its_name(const Error& error) {
    return error.err() == EADDRNOTAVAIL || error.err() == EADDRINUSE;
  }

  std::vector<TcpNames> names_to_be_made() const {
    std::vector<TcpNames> all;
    for (const End& end : ends_) all.push_back(names_of(*end.socket));
    return all;
  }

  // What is said in the name of the other end.
  Result<> hear(Result<> (Connecting::*what)(TcpSegments&), bool (*who)(const End&)) {
    std::map<int, TcpSegments> segments;  // by family
    for (End& end : ends_) {
      if (!who(end)) continue;
      const int family = ip_address_of(end.socket->peer_name).family();
      auto found = segments.find(family);
      if (found == segments.end())
        found = segments.emplace(family, TRY(TcpSegments::open(family))).first;
      TRY(within(*end.socket, (Connecting(end).*what)(found->second)));
    }
    return {};
  }

  void find_ends() {
    for (const TcpSocketT* socket : unowned_) {
      const TcpSocketT* other = of_image_.other_end(network_, *socket);
      const bool is_translated =
          other == nullptr && of_image_.translated_end(network_, *socket) != nullptr;
      const bool goes_on = is_outside(*socket) && context_.keeps_connections;
      if (other != nullptr || is_translated || goes_on) ends_.push_back({nullptr, socket, other});
    }
    for (const auto& [file, socket] : sockets_) {
      for (const auto& waiting : socket->waiting)
        if (waiting->state != TCP_CLOSE && !is_outside(*waiting) &&
            of_image_.other_end(network_, *waiting) == nullptr)
          add_closed_end(*waiting);
      if (!socket->connection) continue;
      if (const TcpSocketT* other = of_image_.other_end(network_, *socket)) {
        ends_.push_back({file, socket, other});
      } else if (of_image_.translated_end(network_, *socket) != nullptr) {
        // Nothing is translated yet. Each says again what the other has not got, when it is.
        ends_.push_back({file, socket, nullptr});
      } else if (is_outside(*socket)) {
        find_outside(file, *socket);
      } else {
        ends_.push_back({file, socket, add_closed_end(*socket)});
      }
    }
  }

  const TcpSocketT* add_closed_end(const TcpSocketT& of) {
    closed_.push_back(closed_end_of(of));
    ends_.push_back({nullptr, &closed_.back(), &of});
    return &closed_.back();
  }

  void find_outside(const image::OpenFileT* file, const TcpSocketT& socket) {
    if (!context_.keeps_connections) {
      lost_.insert(&socket);
      return;
    }
    ends_.push_back({file, &socket, nullptr});
  }

  Result<> other(const image::OpenFileT& file, const TcpSocketT& socket) {
    const bool is_lost = lost_.contains(&socket);
    if (socket.state == TCP_LISTEN || (socket.connection && !is_lost)) return {};
    const int fd = keep(file, TRY(new_socket(socket.domain)));
    if (is_lost) return lose(fd, socket);
    if (socket.state == TCP_CLOSE && socket.shut != 0) return ended(fd, socket);
    TRY(apply_options(fd, socket.options));
    Result<> bound = bind_to(fd, socket.name);
    if (!bound && bound.error().err() == EADDRINUSE) bound = bind_beside(fd, socket);
    TRY(std::move(bound));
    return socket.state == TCP_SYN_SENT ? start_connecting(fd, socket) : Result<>();
  }

  // One that has listened shares its port with the connections that it took.
  static Result<> bind_beside(int fd, const TcpSocketT& socket) {
    TRY(enter_repair(fd));
    TRY(bind_to(fd, socket.name));
    TRY(leave_repair(fd));  // which says that it may not share it
    return apply_options(fd, socket.options,
                         [](const OptionName& name) { return !is_for_binding(name); });
  }

  static Result<> start_connecting(int fd, const TcpSocketT& socket) {
    TRY_SYS(::fcntl(fd, F_SETFL, O_NONBLOCK));
    Result<> connected = connect_to(fd, socket.peer_name);
    if (connected || connected.error().err() == EINPROGRESS) return {};
    return connected;
  }

  // One that was connected and is no more, as the program knows.
  static Result<> ended(int fd, const TcpSocketT& socket) {
    TRY(apply_options(fd, socket.options, is_for_binding));
    TRY(enter_repair(fd));
    TRY(bind_to(fd, socket.name));
    TRY(leave_repair(fd));
    InetName own = socket.name;
    std::memset(own.data() + offsetof(sockaddr_in, sin_port), 0, sizeof(in_port_t));
    if (socket.error == ECONNREFUSED) return be_refused(fd, socket, own);
    TRY(connect_and_reset(fd, socket, own));
    if (socket.error != 0) return {};
    int told = 0;
    socklen_t length = sizeof told;
    TRY_SYS(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &told, &length));
    return {};
  }

  // Who is there does not listen.
  static Result<> be_refused(int fd, const TcpSocketT& socket, const InetName& at) {
    UniqueFd nobody = TRY(new_socket(socket.domain));
    TRY(bind_to(nobody.get(), at));
    TRY_SYS(::fcntl(fd, F_SETFL, O_NONBLOCK));
    Result<> connected = connect_to(fd, TRY(name_of(nobody.get())));
    if (connected) return Error(ErrorClass::other, "a TCP connection with nobody has been made");
    if (connected.error().err() != EINPROGRESS) return connected;
    TRY(wait_for_end(fd));
    return apply_options(fd, socket.options,
                         [](const OptionName& name) { return !is_for_binding(name); });
  }

  static Result<> wait_for_end(int fd) {
    const Deadline deadline = Deadline::in(kArrivalMax);
    while (TRY(info_of(fd)).tcpi_state != TCP_CLOSE) {
      if (deadline.passed()) return Error(ErrorClass::timeout, "a TCP connection does not end");
      ::poll(nullptr, 0, 1);
    }
    return {};
  }

  // One whose peer is lost: the program finds it reset, behind what it has not read yet.
  Result<> lose(int fd, const TcpSocketT& socket) {
    ++context_.lost_connections;
    return connect_and_reset(fd, socket, loopback_of(socket.domain));
  }

  static InetName loopback_of(int domain) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    const auto* bytes = domain == AF_INET ? reinterpret_cast<const uint8_t*>(&v4)
                                          : reinterpret_cast<const uint8_t*>(&v6);
    return InetName(bytes, bytes + (domain == AF_INET ? sizeof v4 : sizeof v6));
  }

  static Result<> connect_and_reset(int fd, const TcpSocketT& socket, const InetName& at) {
    UniqueFd listener = TRY(new_socket(socket.domain));
    TRY(bind_to(listener.get(), at));
    TRY_SYS(::listen(listener.get(), 1));
    TRY(connect_to(fd, TRY(name_of(listener.get()))));
    UniqueFd peer(TRY_SYS(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    const BufferSizes sizes = TRY(make_room(fd));
    TRY(make_room(peer.get()));
    for (size_t sent = 0; sent < socket.to_read.size();)
      sent += static_cast<size_t>(TRY_SYS(::send(peer.get(), socket.to_read.data() + sent,
                                                 socket.to_read.size() - sent, MSG_DONTWAIT)));
    TRY(wait_for_bytes(fd, socket.to_read.size()));
    TRY(take_room_back(fd, sizes));
    // Who has been told of the end before hears of the reset otherwise.
    if (socket.error == EPIPE) TRY_SYS(::shutdown(peer.get(), SHUT_WR));
    const linger reset{1, 0};
    TRY_SYS(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    peer.reset();
    TRY(wait_for_end(fd));
    return apply_options(fd, socket.options,
                         [](const OptionName& name) { return !is_for_binding(name); });
  }

  Result<> finish(const image::OpenFileT& file, const TcpSocketT& socket) {
    const int fd = context_.sockets.at(&file).get();
    TRY_SYS(::fcntl(fd, F_SETFL, file.flags & (O_NONBLOCK | O_APPEND)));
    if (socket.uid != 0 || socket.gid != 0) TRY_SYS(::fchown(fd, socket.uid, socket.gid));
    return {};
  }

  RestoreContext& context_;
  const int network_;
  const Ends& of_image_;
  const bool in_host_network_;
  std::vector<std::pair<const image::OpenFileT*, const TcpSocketT*>> sockets_;
  std::vector<const TcpSocketT*> unowned_;
  std::list<TcpSocketT> closed_;  // at places that do not change
  std::list<End> ends_;
  std::set<const TcpSocketT*> lost_;
  WaitingConnections waiting_;
};

}  // namespace

Result<> make_all(RestoreContext& context) {
  const Ends ends(context.image);
  std::list<std::pair<int, Maker>> makers;
  for (int network : context.networks())
    makers.emplace_back(std::piecewise_construct, std::forward_as_tuple(network),
                        std::forward_as_tuple(context, network, ends));
  using Step = Result<> (Maker::*)();
  for (Step step : {&Maker::make, &Maker::end, &Maker::speak, static_cast<Step>(&Maker::finish)})
    for (auto& [network, maker] : makers)
      TRY(context.in_network(network, [&, &one = maker] { return (one.*step)(); }));
  return {};
}

}  // namespace appshot::tcp
