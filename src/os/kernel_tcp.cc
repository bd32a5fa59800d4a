#include "os/kernel_tcp.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "os/kernel_buffer.h"
#include "os/kernel_pages.h"
#include "os/kernel_sock.h"

namespace appshot {
namespace {

constexpr uint32_t kWaitingMax = 1 << 20;  // connections
constexpr uint32_t kInQueueMax = 1 << 28;  // bytes
constexpr uint32_t kBuffersMax = 1 << 20;
constexpr int kTreeDepthMax = 64;
constexpr int kLooksMax = 100;
constexpr uint16_t kUrgentHasCome = 0x0100, kUrgentIsTaken = 0x0400;  // TCP_URG_*

class Reader {
 public:
  explicit Reader(KernelView& kernel)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel) {}

  Result<std::vector<WaitingTcpConnection>> waiting_at(int listener) {
    const uint64_t sock = TRY(sock_address(kernel_, listener));
    std::vector<WaitingTcpConnection> all;
    auto request = TRY(memory_.read<uint64_t>(sock + at_.accept_first));
    while (request != 0) {
      if (all.size() == kWaitingMax) return unexpected_memory("connections that wait");
      all.push_back(TRY(settled(TRY(memory_.read<uint64_t>(request + at_.request_sock)))));
      request = TRY(memory_.read<uint64_t>(request + at_.request_next));
    }
    return all;
  }

  Result<UrgentTcp> urgent_of(int connected) {
    const uint64_t sock = TRY(sock_address(kernel_, connected));
    UrgentTcp urgent;
    urgent.is_sending = TRY(field<uint32_t>(sock, at_.tcp_sent_urgent)) !=
                        TRY(field<uint32_t>(sock, at_.tcp_acknowledged));
    const auto known = TRY(field<uint16_t>(sock, at_.tcp_urgent));
    if (known == 0) return urgent;
    WaitingTcpConnection seen = TRY(settled(sock));
    const auto at = TRY(field<uint32_t>(sock, at_.tcp_urgent_at)) - found_from_;
    if (static_cast<int32_t>(at) < 0) return urgent;  // it has been passed
    UrgentTcpByte& byte = urgent.received.emplace();
    byte.is_taken = (known & kUrgentIsTaken) != 0;
    byte.has_come = byte.is_taken || (known & kUrgentHasCome) != 0;
    byte.at = at;
    byte.received = seen.received;
    byte.to_read = std::move(seen.to_read);
    if (byte.has_come && at >= byte.to_read.size()) return unexpected_memory("an urgent byte");
    return urgent;
  }

  // What is acknowledged meanwhile goes from its queue: then once more.
  Result<std::optional<UnownedTcpConnection>> unowned(uint64_t sock) {
    for (int look = 1;; ++look) {
      UnownedTcpConnection it;
      const Progress before = TRY(progress(sock));
      if (!is_unowned(before)) return std::optional<UnownedTcpConnection>();
      const Result<> seen = closed(sock, before, it);
      if (seen && TRY(progress(sock)) == before) return std::optional(std::move(it));
      if (look < kLooksMax) continue;
      if (!seen) return seen.error();
      return Error(ErrorClass::timeout, "a TCP connection that has been closed does not rest");
    }
  }

 private:
  // What arrives meanwhile may be put together with what is there: then once more.
  Result<WaitingTcpConnection> settled(uint64_t sock) {
    for (int look = 1;; ++look) {
      Result<WaitingTcpConnection> seen = connection(sock);
      if (seen && is_whole(*seen) && TRY(is_still(sock, *seen))) return seen;
      if (look < kLooksMax) continue;
      if (!seen) return seen;
      return Error(ErrorClass::timeout, "a TCP connection that waits to be accepted does not rest");
    }
  }

  Result<bool> is_still(uint64_t sock, const WaitingTcpConnection& seen) {
    return TRY(field<uint32_t>(sock, at_.tcp_received)) == seen.received &&
           TRY(field<uint8_t>(sock, at_.sock_state)) == seen.state;
  }

  // All that has been acknowledged must have been found.
  bool is_whole(const WaitingTcpConnection& seen) const {
    const uint32_t end = found_from_ + static_cast<uint32_t>(seen.to_read.size());
    return found_end_ == seen.received && seen.received - end == (seen.has_finished ? 1 : 0) &&
           (seen.state != TCP_CLOSE_WAIT || seen.has_finished);
  }

  Result<WaitingTcpConnection> connection(uint64_t sock) {
    WaitingTcpConnection it;
    TRY(common(sock, it));
    it.error = TRY(field<int>(sock, at_.sock_error));
    it.has_urgent_byte = TRY(field<uint16_t>(sock, at_.tcp_urgent)) != 0;
    it.is_fast_open = TRY(field<uint64_t>(sock, at_.tcp_fast_open)) != 0;
    TRY(queue(sock, it));
    return it;
  }

  Result<> common(uint64_t sock, KernelTcpConnection& it) {
    TRY(names(sock, it));
    it.state = TRY(field<uint8_t>(sock, at_.sock_state));
    it.sent = TRY(field<uint32_t>(sock, at_.tcp_sent));
    it.received = TRY(field<uint32_t>(sock, at_.tcp_received));
    it.segment = TRY(field<uint16_t>(sock, at_.tcp_segment));
    it.send_window = TRY(field<uint32_t>(sock, at_.tcp_send_window));
    it.receive_window = TRY(field<uint32_t>(sock, at_.tcp_window));
    it.receive_window_from = TRY(field<uint32_t>(sock, at_.tcp_window_from));
    it.time_offset = TRY(field<uint32_t>(sock, at_.tcp_time_offset));
    it.peer_time = TRY(field<uint32_t>(sock, at_.tcp_peer_time));
    return agreed(sock, it);
  }

  Result<> names(uint64_t sock, KernelTcpConnection& it) {
    it.port = ntohs(TRY(field<uint16_t>(sock, at_.sock_from_port)));
    it.peer_port = ntohs(TRY(field<uint16_t>(sock, at_.sock_to_port)));
    const auto family = TRY(field<uint16_t>(sock, at_.sock_family));
    const auto to = TRY(field<in6_addr>(sock, at_.sock_to_v6));
    if (family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&to)) {
      it.peer = IpAddress::v6(to);
      it.name = IpAddress::v6(TRY(field<in6_addr>(sock, at_.sock_from_v6)));
      return {};
    }
    it.peer = IpAddress::v4(ntohl(TRY(field<uint32_t>(sock, at_.sock_to))));
    it.name = IpAddress::v4(ntohl(TRY(field<uint32_t>(sock, at_.sock_from))));
    return {};
  }

  Result<> agreed(uint64_t sock, KernelTcpConnection& it) {
    if (at_.tcp_microseconds_bit != KernelLayout::kAbsent &&
        TRY(bits(sock, at_.tcp_microseconds_bit, 1)) != 0)
      return unexpected_memory("a TCP connection that counts microseconds");
    if (TRY(bits(sock, at_.tcp_time_bit, 1)) != 0) it.agreed |= TCPI_OPT_TIMESTAMPS;
    if (TRY(bits(sock, at_.tcp_sack_bit, 1)) != 0) it.agreed |= TCPI_OPT_SACK;
    if (TRY(bits(sock, at_.tcp_scale_bit, 1)) == 0) return {};
    it.agreed |= TCPI_OPT_WSCALE;
    it.send_scale = TRY(bits(sock, at_.tcp_send_scale_bit, 4));
    it.receive_scale = TRY(bits(sock, at_.tcp_receive_scale_bit, 4));
    return {};
  }

  Result<> queue(uint64_t sock, WaitingTcpConnection& it) {
    found_from_ = found_end_ = TRY(field<uint32_t>(sock, at_.tcp_begin));
    return walk_queue(kernel_, sock + at_.sock_queue, [&](uint64_t buffer) -> Result<> {
      if (it.to_read.size() > kInQueueMax) return unexpected_memory("a TCP connection's queue");
      const auto begin = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_begin));
      const auto end = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_end));
      const std::vector<uint8_t> bytes = TRY(read_buffer(kernel_, pages_, buffer));
      const uint32_t known = found_end_ - begin;  // it may repeat some
      if (known > bytes.size()) return unexpected_memory("a TCP segment");
      it.to_read.insert(it.to_read.end(), bytes.begin() + known, bytes.end());
      it.has_finished = end - begin != bytes.size();
      found_end_ = end;
      return {};
    });
  }

  // How far one is that has been closed.
  struct Progress {
    uint64_t socket = 0;
    uint8_t state = 0;
    uint32_t acknowledged = 0, sent = 0, end = 0, received = 0;
    bool operator==(const Progress&) const = default;
  };
  Result<Progress> progress(uint64_t sock) {
    Progress now;
    now.socket = TRY(field<uint64_t>(sock, at_.sock_socket));
    now.state = TRY(field<uint8_t>(sock, at_.sock_state));
    now.acknowledged = TRY(field<uint32_t>(sock, at_.tcp_acknowledged));
    now.sent = TRY(field<uint32_t>(sock, at_.tcp_sent));
    now.end = TRY(field<uint32_t>(sock, at_.tcp_write_end));
    now.received = TRY(field<uint32_t>(sock, at_.tcp_received));
    return now;
  }
  static bool is_unowned(const Progress& now) {
    return now.socket == 0 && (now.state == TCP_FIN_WAIT1 || now.state == TCP_FIN_WAIT2 ||
                               now.state == TCP_CLOSING || now.state == TCP_LAST_ACK);
  }

  Result<> closed(uint64_t sock, const Progress& now, UnownedTcpConnection& it) {
    TRY(common(sock, it));
    it.family = TRY(field<uint16_t>(sock, at_.sock_family));
    it.end = now.end;
    it.send_window_from = TRY(field<uint32_t>(sock, at_.tcp_window_update));
    it.send_window_most = TRY(field<uint32_t>(sock, at_.tcp_window_most));
    it.segment_now = TRY(field<uint32_t>(sock, at_.tcp_segment_now));
    it.reuses_address = TRY(bits(sock, at_.sock_reuse_bit, 4)) != 0;
    it.reuses_port = TRY(bits(sock, at_.sock_reuse_port_bit, 1)) != 0;
    it.is_v6_only = TRY(bits(sock, at_.sock_v6_only_bit, 1)) != 0;
    found_end_ = now.acknowledged;
    nodes_ = 0;
    TRY(sent(TRY(field<uint64_t>(sock, at_.sock_sent)), it, 0));
    TRY(walk_queue(kernel_, sock + at_.sock_sending,
                   [&](uint64_t buffer) { return piece(buffer, it); }));
    const uint32_t missing = now.end - now.acknowledged - static_cast<uint32_t>(it.to_send.size());
    const bool has_sent_all = now.end == now.acknowledged;
    if (found_end_ != now.end || missing != (has_sent_all ? 0 : 1))
      return unexpected_memory("what a TCP connection has to send");
    return {};
  }

  // What has been sent and not acknowledged is a tree, in the order of its numbers.
  Result<> sent(uint64_t node, UnownedTcpConnection& it, int depth) {
    if (node == 0) return {};
    if (depth > kTreeDepthMax || ++nodes_ > kBuffersMax)
      return unexpected_memory("what a TCP connection has sent");
    TRY(sent(TRY(memory_.read<uint64_t>(node + at_.node_left)), it, depth + 1));
    TRY(piece(node - at_.skb_node, it));
    return sent(TRY(memory_.read<uint64_t>(node + at_.node_right)), it, depth + 1);
  }

  Result<> piece(uint64_t buffer, UnownedTcpConnection& it) {
    const auto begin = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_begin));
    const auto end = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_end));
    const std::vector<uint8_t> bytes = TRY(read_buffer(kernel_, pages_, buffer));
    // Some of the first may have been acknowledged. The end has a number and no byte.
    const uint32_t known = found_end_ - begin;
    if (known > bytes.size() || it.to_send.size() > kInQueueMax || end - begin - bytes.size() > 1)
      return unexpected_memory("a TCP segment");
    it.to_send.insert(it.to_send.end(), bytes.begin() + known, bytes.end());
    found_end_ = end;
    return {};
  }

  template <typename T>
  Result<T> field(uint64_t sock, uint32_t offset) {
    return memory_.read<T>(sock + offset);
  }
  Result<uint8_t> bits(uint64_t sock, uint32_t at, int count) {
    const auto byte = TRY(field<uint8_t>(sock, at / 8));
    return static_cast<uint8_t>(byte >> at % 8 & ((1 << count) - 1));
  }

  KernelView& kernel_;
  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages pages_;
  uint32_t found_from_ = 0, found_end_ = 0;  // in the queue looked at last
  uint32_t nodes_ = 0;
};

}  // namespace

Result<std::vector<WaitingTcpConnection>> waiting_tcp_connections(KernelView& kernel,
                                                                  int listener) {
  return Reader(kernel).waiting_at(listener);
}

Result<std::optional<UnownedTcpConnection>> unowned_tcp_connection(KernelView& kernel,
                                                                   uint64_t sock) {
  return Reader(kernel).unowned(sock);
}

Result<UrgentTcp> urgent_tcp(KernelView& kernel, int socket) {
  return Reader(kernel).urgent_of(socket);
}

}  // namespace appshot
