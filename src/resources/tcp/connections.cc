#include "resources/tcp/connections.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <utility>

#include "os/cgroup.h"
#include "os/fault.h"
#include "os/kernel_tcp.h"
#include "os/network_namespace.h"
#include "os/sock_diag.h"
#include "resources/inet.h"
#include "resources/namespaces.h"
#include "resources/tcp/ends.h"
#include "resources/tcp/left.h"
#include "resources/tcp/outside.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"
#include "resources/tcp/waiting.h"

namespace appshot::tcp {
namespace {

constexpr int kLooksMax = 100;

struct Connected {
  int socket;
  image::TcpSocketT* record;
  int network;
};

std::vector<Connected> find_connected(CaptureContext& context) {
  std::vector<Connected> connected;
  for (const auto& [inode, socket] : context.sockets) {
    auto& file = *context.image.open_files[static_cast<size_t>(socket.file)];
    image::TcpSocketT* record = file.kind.AsTcpSocket();
    if (record != nullptr && is_connected(record->state))
      connected.push_back({socket.copy.get(), record, file.network});
  }
  return connected;
}

template <typename T>
Result<T> tcp_option(int socket, int name) {
  T value{};
  socklen_t length = sizeof value;
  TRY_SYS(::getsockopt(socket, IPPROTO_TCP, name, &value, &length));
  return value;
}

Result<size_t> count(int socket, unsigned long request) {
  int bytes = 0;
  TRY_SYS(::ioctl(socket, request, &bytes));
  return static_cast<size_t>(bytes);
}

// Its owner stands still, so nothing is added; the other end may still take from it.
Result<> capture_sending(const Connected& one) {
  image::TcpConnectionT& connection = *one.record->connection;
  connection.send_sequence = TRY(sequence_of(one.socket, Queue::send));
  one.record->unsent = static_cast<uint32_t>(TRY(count(one.socket, SIOCOUTQNSD)));
  one.record->to_send = TRY(content_of(one.socket, Queue::send, TRY(count(one.socket, SIOCOUTQ))));
  // The end of sending counts as a byte.
  one.record->unsent =
      std::min(one.record->unsent, static_cast<uint32_t>(one.record->to_send.size()));
  return {};
}

// What has been sent may still arrive while we look: then once more.
Result<> capture_receiving(const Connected& one) {
  image::TcpConnectionT& connection = *one.record->connection;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const uint32_t before = TRY(sequence_of(one.socket, Queue::receive));
    const size_t to_read = TRY(count(one.socket, FIONREAD));
    const tcp_info info = TRY(info_of(one.socket));
    one.record->state = info.tcpi_state;
    connection.agreed = info.tcpi_options;
    connection.send_scale = info.tcpi_snd_wscale;
    connection.receive_scale = info.tcpi_rcv_wscale;
    const auto window = TRY(tcp_option<tcp_repair_window>(one.socket, TCP_REPAIR_WINDOW));
    connection.window = std::make_unique<image::TcpWindow>(
        window.snd_wl1, window.snd_wnd, window.max_window, window.rcv_wnd, window.rcv_wup);
    connection.receive_sequence = TRY(sequence_of(one.socket, Queue::receive));
    if (connection.receive_sequence != before) continue;
    // What comes later stands behind it, and is not there for us.
    one.record->to_read = TRY(content_of(one.socket, Queue::receive, to_read));
    return {};
  }
  return Error(ErrorClass::timeout, "a TCP connection does not come to rest");
}

// Whether a byte out of band may be among what it holds: at it, nothing is to be read for a call.
Result<bool> may_hold_urgent(const Connected& one) {
  int at_mark = 0;
  TRY_SYS(::ioctl(one.socket, SIOCATMARK, &at_mark));
  return at_mark != 0 || !one.record->to_read.empty() || !one.record->to_send.empty();
}

// No call tells what comes behind such a byte, nor of one that has been taken already.
Result<> capture_urgent(CaptureContext& context, const Connected& one) {
  KernelView* kernel = TRY(may_hold_urgent(one)) ? context.kernel() : nullptr;
  if (kernel == nullptr) return {};  // one that waits to be taken has been refused
  image::TcpSocketT& record = *one.record;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    UrgentTcp urgent = TRY(urgent_tcp(*kernel, one.socket));
    if (urgent.is_sending || (urgent.received && !urgent.received->has_come))
      return Error(ErrorClass::refused, "a TCP connection at port " +
                                            std::to_string(port_of(record.name)) +
                                            " has urgent data on its way")
          .hint("try again when it has arrived");
    if (!urgent.received) return {};
    if (urgent.received->received != record.connection->receive_sequence) {
      TRY(capture_receiving(one));
      continue;
    }
    record.urgent_at = static_cast<int>(urgent.received->at);
    record.urgent_taken = urgent.received->is_taken;
    record.to_read = std::move(urgent.received->to_read);
    return {};
  }
  return Error(ErrorClass::timeout, "a TCP connection does not come to rest");
}

struct End {
  int network;
  const image::TcpSocketT* record;
  bool waits = false;  // to be accepted
};

std::vector<End> find_ends(const CaptureContext& context, const std::vector<Connected>& connected) {
  std::vector<End> ends;
  ends.reserve(connected.size());
  for (const Connected& one : connected) ends.push_back({one.network, one.record});
  for (const auto& [inode, socket] : context.sockets) {
    const image::OpenFileT& file = *context.image.open_files[static_cast<size_t>(socket.file)];
    const image::TcpSocketT* listener = file.kind.AsTcpSocket();
    if (listener == nullptr) continue;
    for (const auto& waiting : listener->waiting)
      if (waiting->state != TCP_CLOSE) ends.push_back({file.network, waiting.get(), true});
  }
  for (const auto& one : context.image.unowned_tcp)
    ends.push_back({one->network, one->socket.get()});
  return ends;
}

Result<> find_other_ends(const Ends& of_image, const std::vector<End>& ends, bool by_marks) {
  for (const auto& [network, end, waits] : ends) {
    const bool is_whole = of_image.other_end(network, *end) != nullptr;
    const bool is_translated = !is_whole && of_image.translated_end(network, *end) != nullptr;
    if (waits && (is_translated || (is_whole && Ends::leads_elsewhere(*end))))
      // What it is answered would be heard by nobody there yet.
      return Error(ErrorClass::refused,
                   "a connection waits to be accepted at port " +
                       std::to_string(port_of(end->name)) +
                       " that comes from another network of the application, or is translated")
          .hint("let the application accept it first");
    if (is_whole || is_translated) continue;
    // Its peer sends again what has not been acknowledged to it, as soon as we are back.
    if (by_marks && network < 0 ? end->outside : has_outside_peer(*end)) continue;
    // An end that was closed when everything had arrived is made once more, and closed.
    if (was_finished(end->state)) continue;
    return Error(
               ErrorClass::refused,
               "a TCP connection from port " + std::to_string(port_of(end->name)) + " to port " +
                   std::to_string(port_of(end->peer_name)) +
                   " has its other end outside of the application, or closed with data on its way")
        .hint("close it, or start both ends in one instance");
  }
  return {};
}

Result<> capture_connecting(CaptureContext& context) {
  for (const auto& [inode, socket] : context.sockets) {
    image::TcpSocketT* record =
        context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsTcpSocket();
    if (record == nullptr || record->state != TCP_SYN_SENT) continue;
    // An IPv6 socket that connects with an IPv4 address is listed among its own.
    const UniqueFd network = TRY(namespaces::network_of(socket.copy.get()));
    const auto list =
        TRY(in_namespace(network.get(), [&] { return list_connecting(record->domain); }));
    if (auto found = list.find(static_cast<uint32_t>(inode)); found != list.end()) {
      record->peer_name = found->second;
    } else {
      return Error(ErrorClass::refused, "a TCP socket has just been connected").hint("try again");
    }
  }
  return {};
}

class FrozenMeanwhile {
 public:
  static Result<FrozenMeanwhile> begin(const Cgroup& application) {
    TRY(application.begin_freeze());
    return FrozenMeanwhile(application);
  }
  FrozenMeanwhile(FrozenMeanwhile&& other) noexcept
      : application_(std::exchange(other.application_, nullptr)) {}
  FrozenMeanwhile& operator=(FrozenMeanwhile&&) = delete;
  ~FrozenMeanwhile() {
    if (application_ != nullptr) (void)application_->thaw();
  }

 private:
  explicit FrozenMeanwhile(const Cgroup& application) : application_(&application) {}
  const Cgroup* application_;
};

}  // namespace

Result<> capture_connections(CaptureContext& context) {
  TRY(capture_connecting(context));
  std::vector<Connected> connected = find_connected(context);
  std::vector<int> sockets;
  for (const Connected& one : connected) {
    one.record->peer_name = TRY(peer_name_of(one.socket));
    one.record->connection = std::make_unique<image::TcpConnectionT>();
    one.record->connection->segment_now = TRY(tcp_option<uint32_t>(one.socket, TCP_MAXSEG));
    sockets.push_back(one.socket);
  }
  TRY(find_outside(context));
  // Should the harness be killed now, nobody runs before the guard has put all back: who waits for
  // the harness's end to let them run hears of it from the guard's end alone.
  const FrozenMeanwhile frozen = TRY(FrozenMeanwhile::begin(*context.instance.application));
  Repaired repaired = TRY(Repaired::enter(sockets));
  TRY(fault_point("snapshot.connections"));
  for (const Connected& one : connected) {
    // In this mode it means something else.
    one.record->connection->segment = TRY(tcp_option<uint32_t>(one.socket, TCP_MAXSEG));
    one.record->connection->timestamp = TRY(tcp_option<uint32_t>(one.socket, TCP_TIMESTAMP));
  }
  // First what each has to send, then what has arrived: a byte that arrives between the two is
  // there twice, and told apart by its number.
  for (const Connected& one : connected) TRY(capture_sending(one));
  TRY(capture_left(context));
  for (const Connected& one : connected) TRY(capture_receiving(one));
  for (const Connected& one : connected) TRY(capture_urgent(context, one));
  const bool in_host_network = context.instance.share.net;
  if (!in_host_network) TRY(capture_waiting(context));
  return find_other_ends(Ends(context.image), find_ends(context, connected), in_host_network);
}

}  // namespace appshot::tcp
