#include "resources/tcp/connecting.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "base/deadline.h"
#include "resources/inet.h"
#include "resources/tcp/outside.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

constexpr uint8_t kReading = 1;
constexpr std::chrono::seconds kArrivalMax{10};
constexpr uint32_t kSegmentMax = 32767;   // more cannot be asked for
constexpr size_t kPiece = 15 * 1024;      // as much as the kernel finds room for in a row
constexpr uint32_t kTimestampBytes = 12;  // that each segment begins with

Result<UniqueFd> new_socket(int domain) {
  return UniqueFd(TRY_SYS(::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

// Behind the last byte it has to send, and behind the last one that has come: the end of sending,
// which has a number as well, is said once more.
uint32_t end_of_data(const TcpSocketT& socket) {
  return socket.connection->send_sequence - (has_finished(socket.state) ? 1U : 0U);
}
uint32_t next_data(const TcpSocketT& socket) {
  return socket.connection->receive_sequence - (was_finished(socket.state) ? 1U : 0U);
}

// As it is told in a segment.
uint16_t scaled(uint32_t window, uint8_t scale) {
  const uint32_t rest = (1U << scale) - 1;
  return static_cast<uint16_t>(std::min((window + rest) >> scale, 0xffffU));
}

}  // namespace

TcpSocketT closed_end_of(const TcpSocketT& socket) {
  TcpSocketT other;
  other.name = socket.peer_name;
  other.peer_name = socket.name;
  other.domain = socket.domain;
  other.state = TCP_FIN_WAIT2;
  other.connection = std::make_unique<image::TcpConnectionT>();
  image::TcpConnectionT& its = *other.connection;
  const image::TcpConnectionT& ours = *socket.connection;
  its.send_sequence = ours.receive_sequence;
  its.receive_sequence = end_of_data(socket);
  its.segment = ours.segment;
  its.segment_now = ours.segment_now;
  its.send_scale = ours.receive_scale;
  its.receive_scale = ours.send_scale;
  its.agreed = ours.agreed;
  // What it has told last, where that is known: older times are not believed.
  its.timestamp = ours.peer_timestamp != 0 ? in_milliseconds(ours.peer_timestamp) : ours.timestamp;
  its.window = std::make_unique<image::TcpWindow>(its.receive_sequence, ours.window->receive(),
                                                  ours.window->receive(), ours.window->send(),
                                                  its.receive_sequence);
  return other;
}

Result<> wait_for_bytes(int fd, size_t bytes) {
  const Deadline deadline = Deadline::in(kArrivalMax);
  for (int there = 0; static_cast<size_t>(there) < bytes;) {
    TRY_SYS(::ioctl(fd, FIONREAD, &there));
    if (deadline.passed())
      return Error(ErrorClass::timeout, "a TCP socket does not get what was in it");
    pollfd state{fd, POLLIN, 0};
    ::poll(&state, 1, 1);
  }
  return {};
}

Result<> Connecting::make() {
  end_.fd = TRY(new_socket(socket_.domain));
  TRY(apply_options(fd(), socket_.options, is_for_binding));
  TRY(enter_repair(fd()));  // lets it have a port that others have, too
  TRY(bind_to(fd(), socket_.name));
  const uint32_t received = next_data(socket_);
  TRY(set_sequence(fd(), Queue::send, first_to_send()));
  TRY(set_sequence(fd(), Queue::receive, received - static_cast<uint32_t>(socket_.to_read.size())));
  TRY(ask_for_segments(std::min(socket_.connection->segment_now + kTimestampBytes, kSegmentMax)));
  TRY(connect_to(fd(), socket_.peer_name));
  TRY(ask_for_segments(0));
  TRY(agree());
  end_.sizes = TRY(make_room(fd()));
  TRY(put_in(fd(), Queue::receive, std::span(socket_.to_read).first(before_urgent())));
  if (other_ == nullptr)
    TRY(put_in(fd(), Queue::send, std::span(socket_.to_send).first(sent_before())));
  return set_window();
}

Result<> Connecting::leave() { return leave_repair(fd()); }

Result<> Connecting::speak() {
  TRY(send_rest());
  TRY(take_room_back(fd(), end_.sizes));
  TRY(apply_options(fd(), socket_.options,
                    [](const OptionName& name) { return !is_for_binding(name); }));
  if (has_finished(socket_.state)) TRY_SYS(::shutdown(fd(), SHUT_WR));
  if ((socket_.shut & kReading) != 0) TRY_SYS(::shutdown(fd(), SHUT_RD));
  return {};
}

Result<> Connecting::hear_urgent(TcpSegments& segments) {
  TcpSegment segment = from_peer(next_data(socket_) - held_back());
  segment.flags |= TH_URG;
  segment.urgent = 1;
  std::span<const uint8_t> left = std::span(socket_.to_read).subspan(before_urgent());
  for (size_t bytes = 1; !left.empty(); bytes = kPiece) {
    segment.bytes = left.first(std::min(left.size(), bytes));
    left = left.subspan(segment.bytes.size());
    TRY(segments.send(segment, 0));
    segment.number += static_cast<uint32_t>(segment.bytes.size());
    segment.flags = TH_ACK;
    segment.urgent = 0;
  }
  return take_urgent();
}

Result<> Connecting::hear_end(TcpSegments& segments) {
  TcpSegment end = from_peer(next_data(socket_));
  end.flags |= TH_FIN;
  return segments.send(end, 0);
}

Result<> Connecting::settle() {
  const Deadline deadline = Deadline::in(kArrivalMax);
  for (;;) {
    const int state = TRY(info_of(fd())).tcpi_state;
    const bool heard =
        other_ == nullptr || socket_.state != TCP_FIN_WAIT2 || state != TCP_FIN_WAIT1;
    const bool told = !was_finished(socket_.state) || was_finished(state) || state == TCP_CLOSE;
    if (heard && told) return {};
    if (deadline.passed())
      return Error(ErrorClass::timeout, "a TCP connection does not come to rest");
    ::poll(nullptr, 0, 1);
  }
}

size_t Connecting::before_urgent() const {
  return socket_.urgent_at < 0 ? socket_.to_read.size() : static_cast<size_t>(socket_.urgent_at);
}

uint32_t Connecting::held_back() const {
  return static_cast<uint32_t>(socket_.to_read.size() - before_urgent());
}

TcpSegment Connecting::from_peer(uint32_t number) const {
  const TcpNames names = names_of(socket_);
  TcpSegment segment{names.peer, names.own};
  segment.number = number;
  segment.acknowledged = first_to_send();
  segment.flags = TH_ACK;
  const image::TcpConnectionT& connection = *socket_.connection;
  segment.window = scaled(connection.window->send(), connection.send_scale);
  return segment;
}

Result<> Connecting::take_urgent() {
  int among_others = 1;
  TRY_SYS(::setsockopt(fd(), SOL_SOCKET, SO_OOBINLINE, &among_others, sizeof among_others));
  TRY(wait_for_bytes(fd(), socket_.to_read.size()));
  among_others = 0;
  TRY_SYS(::setsockopt(fd(), SOL_SOCKET, SO_OOBINLINE, &among_others, sizeof among_others));
  char byte;
  if (socket_.urgent_taken) TRY_SYS(::recv(fd(), &byte, 1, MSG_OOB | MSG_DONTWAIT));
  return {};
}

uint32_t Connecting::first_to_send() const {
  if (other_ != nullptr) return next_data(*other_);
  return end_of_data(socket_) - static_cast<uint32_t>(socket_.to_send.size());
}

size_t Connecting::sent_before() const { return socket_.to_send.size() - socket_.unsent; }

Result<> Connecting::ask_for_segments(uint32_t bytes) {
  TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof bytes));
  return {};
}

Result<> Connecting::agree() {
  const image::TcpConnectionT& connection = *socket_.connection;
  std::vector<tcp_repair_opt> agreed;
  agreed.push_back({TCPOPT_MAXSEG, connection.segment});
  if ((connection.agreed & TCPI_OPT_WSCALE) != 0)
    agreed.push_back({TCPOPT_WINDOW, connection.send_scale |
                                         static_cast<uint32_t>(connection.receive_scale) << 16});
  if ((connection.agreed & TCPI_OPT_SACK) != 0) agreed.push_back({TCPOPT_SACK_PERMITTED, 0});
  if ((connection.agreed & TCPI_OPT_TIMESTAMPS) != 0) agreed.push_back({TCPOPT_TIMESTAMP, 0});
  TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_REPAIR_OPTIONS, agreed.data(),
                       static_cast<socklen_t>(agreed.size() * sizeof agreed[0])));
  if ((connection.agreed & TCPI_OPT_TIMESTAMPS) != 0)
    TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_TIMESTAMP, &connection.timestamp,
                         sizeof connection.timestamp));
  return {};
}

Result<> Connecting::set_window() {
  const image::TcpWindow& ours = *socket_.connection->window;
  const uint32_t next = next_data(socket_) - held_back();
  tcp_repair_window window{};
  if (other_ == nullptr) {
    const bool is_beyond = static_cast<int32_t>(ours.update_sequence() - next) > 0;
    window.snd_wl1 = is_beyond ? next : ours.update_sequence();
    window.snd_wnd = ours.send();
  } else {
    const image::TcpWindow& theirs = *other_->connection->window;
    const auto room =
        static_cast<int32_t>(theirs.receive_update() + theirs.receive() - next_data(*other_));
    window.snd_wl1 = next;
    window.snd_wnd = static_cast<uint32_t>(std::max(room, 0));
  }
  window.max_window = std::max(ours.send_most(), window.snd_wnd);
  window.rcv_wnd = ours.receive();
  const bool is_ahead = static_cast<int32_t>(ours.receive_update() - next) > 0;
  window.rcv_wup = is_ahead ? next : ours.receive_update();
  // The other end may send as far as before.
  if (held_back() != 0) window.rcv_wnd += ours.receive_update() - window.rcv_wup;
  TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof window));
  return {};
}

Result<> Connecting::send_rest() {
  const uint32_t left =
      other_ == nullptr ? socket_.unsent : end_of_data(socket_) - next_data(*other_);
  if (left > socket_.to_send.size())
    return Error(ErrorClass::corrupt, "a TCP connection lacks some of what it has to send");
  const uint8_t* from = socket_.to_send.data() + (socket_.to_send.size() - left);
  size_t sent = 0;
  while (sent < left)
    sent += static_cast<size_t>(
        TRY_SYS(::send(fd(), from + sent, left - sent, MSG_DONTWAIT | MSG_NOSIGNAL)));
  return {};
}

}  // namespace appshot::tcp
