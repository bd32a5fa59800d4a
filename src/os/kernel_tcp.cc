#include "os/kernel_tcp.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "os/kernel_buffer.h"
#include "os/kernel_files.h"
#include "os/kernel_pages.h"

namespace appshot {
namespace {

constexpr uint32_t kWaitingMax = 1 << 20;  // connections, and buffers of one
constexpr uint32_t kInQueueMax = 1 << 28;  // bytes
constexpr int kLooksMax = 100;
constexpr uint16_t kUrgentHasCome = 0x0100, kUrgentIsTaken = 0x0400;  // TCP_URG_*

class Reader {
 public:
  explicit Reader(KernelView& kernel)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel) {}

  Result<std::vector<WaitingTcpConnection>> waiting_at(int listener) {
    const uint64_t file = TRY(file_address(kernel_, listener));
    const auto socket = TRY(memory_.read<uint64_t>(file + at_.file_private));
    const auto sock = TRY(memory_.read<uint64_t>(socket + at_.socket_sock));
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
    const uint64_t file = TRY(file_address(kernel_, connected));
    const auto socket = TRY(memory_.read<uint64_t>(file + at_.file_private));
    const auto sock = TRY(memory_.read<uint64_t>(socket + at_.socket_sock));
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
    TRY(names(sock, it));
    it.state = TRY(field<uint8_t>(sock, at_.sock_state));
    it.error = TRY(field<int>(sock, at_.sock_error));
    it.has_urgent_byte = TRY(field<uint16_t>(sock, at_.tcp_urgent)) != 0;
    it.is_fast_open = TRY(field<uint64_t>(sock, at_.tcp_fast_open)) != 0;
    it.sent = TRY(field<uint32_t>(sock, at_.tcp_sent));
    it.received = TRY(field<uint32_t>(sock, at_.tcp_received));
    it.segment = TRY(field<uint16_t>(sock, at_.tcp_segment));
    it.send_window = TRY(field<uint32_t>(sock, at_.tcp_send_window));
    it.receive_window = TRY(field<uint32_t>(sock, at_.tcp_window));
    it.receive_window_from = TRY(field<uint32_t>(sock, at_.tcp_window_from));
    it.time_offset = TRY(field<uint32_t>(sock, at_.tcp_time_offset));
    it.peer_time = TRY(field<uint32_t>(sock, at_.tcp_peer_time));
    TRY(agreed(sock, it));
    TRY(queue(sock, it));
    return it;
  }

  Result<> names(uint64_t sock, WaitingTcpConnection& it) {
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

  Result<> agreed(uint64_t sock, WaitingTcpConnection& it) {
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
    const uint64_t head = sock + at_.sock_queue;
    auto buffer = TRY(memory_.read<uint64_t>(head + at_.queue_first));
    for (uint32_t i = 0; buffer != head; ++i) {  // the last one leads to the queue again
      if (i == kWaitingMax || it.to_read.size() > kInQueueMax)
        return unexpected_memory("a TCP connection's queue");
      const auto begin = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_begin));
      const auto end = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.segment_end));
      const std::vector<uint8_t> bytes = TRY(read_buffer(kernel_, pages_, buffer));
      const uint32_t known = found_end_ - begin;  // it may repeat some
      if (known > bytes.size()) return unexpected_memory("a TCP segment");
      it.to_read.insert(it.to_read.end(), bytes.begin() + known, bytes.end());
      it.has_finished = end - begin != bytes.size();
      found_end_ = end;
      buffer = TRY(memory_.read<uint64_t>(buffer + at_.skb_next));
    }
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
};

}  // namespace

Result<std::vector<WaitingTcpConnection>> waiting_tcp_connections(KernelView& kernel,
                                                                  int listener) {
  return Reader(kernel).waiting_at(listener);
}

Result<UrgentTcp> urgent_tcp(KernelView& kernel, int socket) {
  return Reader(kernel).urgent_of(socket);
}

}  // namespace appshot
