#include "resources/tcp/waiting.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "base/deadline.h"
#include "os/kernel_tcp.h"
#include "resources/chosen_sharer.h"
#include "resources/inet.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

constexpr uint8_t kReading = 1;
constexpr std::chrono::seconds kArrivalMax{5};
constexpr int kBufferLock = 72;  // newer than the C library's headers
constexpr size_t kRoomMax = 1 << 29;
constexpr int kRoomForHeaders = 64 << 10;

std::string refusal_of(const WaitingTcpConnection& it) {
  if (it.is_fast_open) return "has sent before its handshake was over (TCP_FASTOPEN)";
  if (it.has_urgent_byte) return "has sent urgent data";
  const bool is_reset = it.state == TCP_CLOSE && (it.error == ECONNRESET || it.error == EPIPE);
  if (it.state != TCP_ESTABLISHED && it.state != TCP_CLOSE_WAIT && !is_reset)
    return "has failed (" + std::string(strerrorname_np(it.error)) + ")";
  return "";
}

std::unique_ptr<TcpSocketT> record_of(const WaitingTcpConnection& it, int domain, uint32_t time) {
  auto record = std::make_unique<TcpSocketT>();
  record->domain = domain;
  record->state = it.state;
  record->name = name_at(domain, it.name, it.port);
  record->peer_name = name_at(domain, it.peer, it.peer_port);
  record->to_read = it.to_read;
  if (it.has_finished) record->shut = kReading;
  record->connection = std::make_unique<image::TcpConnectionT>();
  image::TcpConnectionT& connection = *record->connection;
  connection.send_sequence = it.sent;
  connection.receive_sequence = it.received;
  connection.segment = connection.segment_now = it.segment;
  connection.send_scale = it.send_scale;
  connection.receive_scale = it.receive_scale;
  connection.agreed = it.agreed;
  connection.timestamp = time + it.time_offset;
  connection.peer_timestamp = it.peer_time;
  connection.window = std::make_unique<image::TcpWindow>(
      it.received, it.send_window, it.send_window, it.receive_window, it.receive_window_from);
  return record;
}

WaitingTcpConnection connection_in(const TcpSocketT& record) {
  const image::TcpConnectionT& connection = *record.connection;
  WaitingTcpConnection it;
  it.name = ip_address_of(record.name);
  it.port = port_of(record.name);
  it.peer = ip_address_of(record.peer_name);
  it.peer_port = port_of(record.peer_name);
  it.state = record.state;
  it.has_finished = (record.shut & kReading) != 0;
  it.sent = connection.send_sequence;
  it.received = connection.receive_sequence;
  it.to_read = record.to_read;
  it.agreed = connection.agreed;
  it.send_scale = connection.send_scale;
  it.receive_scale = connection.receive_scale;
  it.segment = static_cast<uint16_t>(connection.segment);
  it.send_window = connection.window->send();
  it.peer_time = connection.peer_timestamp;
  return it;
}

bool has_some_waiting(int socket) {
  Result<tcp_info> info = info_of(socket);
  return info && info->tcpi_unacked != 0;
}

Result<> capture_at(KernelView& kernel, int listener, TcpSocketT& record) {
  const uint32_t time = TRY(kernel_time());
  for (const WaitingTcpConnection& it : TRY(waiting_tcp_connections(kernel, listener))) {
    if (const std::string why = refusal_of(it); !why.empty())
      return Error(ErrorClass::refused, "a connection that waits to be accepted at port " +
                                            std::to_string(it.port) + " " + why)
          .hint("let the application accept it first");
    record.waiting.push_back(record_of(it, record.domain, time));
  }
  return {};
}

// What arrives at once needs more room than what has come little by little. A connection has its
// room from the listener; once it is accepted the kernel makes it larger by itself anyway.
class RoomFor {
 public:
  static Result<RoomFor> bytes(int listener, size_t count) {
    const int now = TRY(number_of(listener, SO_RCVBUF));
    const int locked = TRY(number_of(listener, kBufferLock));
    const int wanted = static_cast<int>(std::min(count, kRoomMax)) + kRoomForHeaders;
    if (wanted <= now / 2) return RoomFor(-1, now, locked);
    RoomFor room(listener, now, locked);
    TRY(set(listener, wanted, locked));
    return room;
  }
  RoomFor(RoomFor&& other) noexcept
      : listener_(std::exchange(other.listener_, -1)), size_(other.size_), locked_(other.locked_) {}
  RoomFor& operator=(RoomFor&&) = delete;
  ~RoomFor() {
    if (listener_ >= 0) (void)set(listener_, size_ / 2, locked_);
  }

 private:
  RoomFor(int listener, int size, int locked) : listener_(listener), size_(size), locked_(locked) {}
  // The kernel doubles it.
  static Result<> set(int listener, int half, int locked) {
    TRY_SYS(::setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof half));
    TRY_SYS(::setsockopt(listener, SOL_SOCKET, kBufferLock, &locked, sizeof locked));
    return {};
  }

  int listener_;  // -1: there is enough
  int size_, locked_;
};

bool is_as_wanted(const WaitingTcpConnection& there, const TcpSocketT& wanted) {
  return there.peer_port == port_of(wanted.peer_name) && there.to_read == wanted.to_read &&
         there.sent == wanted.connection->send_sequence;
}

// What has not been taken in would be lost: its sender has been told that it has arrived.
Result<> wait_for_all(int listener, std::span<const TcpSocketT* const> wanted) {
  KernelView kernel = TRY(KernelView::open(nullptr));
  const Deadline deadline = Deadline::in(kArrivalMax);
  for (;;) {
    const auto there = TRY(waiting_tcp_connections(kernel, listener));
    if (std::ranges::equal(there, wanted, [](const auto& one, const TcpSocketT* other) {
          return is_as_wanted(one, *other);
        }))
      return {};
    if (deadline.passed())
      return Error(ErrorClass::timeout, "the kernel does not take all connections that waited");
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace

Result<> capture_waiting(CaptureContext& context) {
  std::optional<KernelView> kernel;
  for (const auto& [inode, socket] : context.sockets) {
    TcpSocketT* record =
        context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsTcpSocket();
    if (record == nullptr || record->state != TCP_LISTEN || !has_some_waiting(socket.copy.get()))
      continue;
    record->waiting.clear();  // of an earlier look
    if (!kernel) kernel.emplace(TRY(KernelView::open(context.instance.kernel_layout)));
    TRY(capture_at(*kernel, socket.copy.get(), *record));
  }
  return {};
}

Result<> WaitingConnections::put_back(int listener, const TcpSocketT& record) {
  const bool shares = TRY(number_of(listener, SO_REUSEPORT)) != 0;
  const uint32_t index = shares ? groups_[key_of(record.name)]++ : 0;
  std::vector<const TcpSocketT*> those;
  for (const auto& waiting : record.waiting) {
    if (in_host_network_ && !keeps_connections_)
      ++lost_;
    else
      those.push_back(waiting.get());
  }
  if (those.empty()) return {};
  if (!queue_) {
    const auto others =
        in_host_network_ ? AcceptQueue::Others::heard : AcceptQueue::Others::unheard;
    queue_.emplace(TRY(AcceptQueue::open(others)));
  }
  std::optional<ChosenSharer> chosen;
  if (shares) chosen.emplace(TRY(ChosenSharer::among(listener, index)));
  for (const TcpSocketT* waiting : those) {
    const RoomFor room = TRY(RoomFor::bytes(listener, waiting->to_read.size()));
    TRY(put(*waiting).within("connection from port " + std::to_string(port_of(waiting->peer_name)) +
                             " that waits to be accepted"));
  }
  return wait_for_all(listener, those);
}

Result<> WaitingConnections::put(const TcpSocketT& waiting) {
  const bool is_outside = waiting.outside || has_outside_peer(waiting);
  const bool is_lost = is_outside && !keeps_connections_ && waiting.state != TCP_CLOSE;
  if (is_lost) ++lost_;
  const WaitingTcpConnection connection = connection_in(waiting);
  // An end of the application says itself that it has finished.
  return queue_->put({connection, waiting.connection->timestamp,
                      is_outside || waiting.state == TCP_CLOSE,
                      waiting.state == TCP_CLOSE || is_lost});
}

}  // namespace appshot::tcp
