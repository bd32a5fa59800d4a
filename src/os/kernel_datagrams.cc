#include "os/kernel_datagrams.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "os/kernel_buffer.h"
#include "os/kernel_pages.h"
#include "os/kernel_sock.h"

namespace appshot {
namespace {

constexpr int16_t kNoService = -1;

class Reader {
 public:
  static Result<Reader> of(KernelView& kernel, int socket_fd) {
    return Reader(kernel, TRY(sock_address(kernel, socket_fd)));
  }

  Result<std::optional<BegunDatagram>> begun() {
    const auto family = TRY(field<int>(at_.udp_pending));
    if (family == 0) return std::optional<BegunDatagram>();
    BegunDatagram it;
    TRY(family == AF_INET ? destination_v4(it) : destination_v6(it));
    it.segment = TRY(field<uint16_t>(at_.cork_segment));
    size_t headers = sizeof(udphdr);  // before the first bytes alone
    TRY(walk_queue(kernel_, sock_ + at_.sock_sending, [&](uint64_t buffer) -> Result<> {
      std::vector<uint8_t> bytes = TRY(read_buffer(kernel_, pages_, buffer));
      const size_t skipped = TRY(before_transport(buffer)) + headers;
      if (skipped > bytes.size()) return unexpected_memory("a datagram's beginning");
      it.bytes.insert(it.bytes.end(), bytes.begin() + static_cast<ptrdiff_t>(skipped), bytes.end());
      headers = 0;
      return {};
    }));
    if (it.bytes.size() + sizeof(udphdr) != TRY(field<uint16_t>(at_.udp_length)))
      return unexpected_memory("a datagram's length");
    return std::optional<BegunDatagram>(std::move(it));
  }

  Result<std::vector<std::vector<uint8_t>>> packets() {
    std::vector<std::vector<uint8_t>> all;
    TRY(walk_queue(kernel_, sock_ + at_.sock_queue, [&](uint64_t buffer) -> Result<> {
      all.push_back(TRY(read_packet(kernel_, pages_, buffer)));
      return {};
    }));
    return all;
  }

  Result<uint32_t> multicast_device() { return field<uint32_t>(at_.sock_multicast_device); }

 private:
  Reader(KernelView& kernel, uint64_t sock)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel), sock_(sock) {}

  template <typename T>
  Result<T> field(uint32_t offset) {
    return memory_.read<T>(sock_ + offset);
  }

  Result<size_t> before_transport(uint64_t buffer) {
    const auto head = TRY(memory_.read<uint64_t>(buffer + at_.skb_head));
    const auto data = TRY(memory_.read<uint64_t>(buffer + at_.skb_data));
    return head + TRY(memory_.read<uint16_t>(buffer + at_.skb_transport)) - data;
  }

  Result<> destination_v4(BegunDatagram& it) {
    it.to = IpAddress::v4(ntohl(TRY(field<uint32_t>(at_.cork_to))));
    it.port = ntohs(TRY(field<uint16_t>(at_.cork_to_port)));
    it.has_options = TRY(field<uint64_t>(at_.cork_options)) != 0;
    const auto hops = TRY(field<uint8_t>(at_.cork_hops));
    const auto service = TRY(field<int16_t>(at_.cork_service));
    if (hops != 0) it.hops = hops;
    if (service != kNoService) it.service = static_cast<uint8_t>(service);
    return {};
  }

  Result<> destination_v6(BegunDatagram& it) {
    it.to = IpAddress::v6(TRY(field<in6_addr>(at_.cork_to_v6)));
    it.port = ntohs(TRY(field<uint16_t>(at_.cork_to_v6_port)));
    it.device = TRY(field<uint32_t>(at_.cork_device));
    const auto own = TRY(field<uint64_t>(at_.sock_v6));
    it.has_options = TRY(memory_.read<uint64_t>(own + at_.v6_cork_options)) != 0;
    it.hops = TRY(memory_.read<uint8_t>(own + at_.v6_cork_hops));
    it.service = TRY(memory_.read<uint8_t>(own + at_.v6_cork_service));
    return {};
  }

  KernelView& kernel_;
  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages pages_;
  uint64_t sock_;
};

}  // namespace

Result<std::optional<BegunDatagram>> begun_datagram(KernelView& kernel, int socket) {
  return TRY(Reader::of(kernel, socket)).begun();
}

Result<std::vector<std::vector<uint8_t>>> waiting_packets(KernelView& kernel, int socket) {
  return TRY(Reader::of(kernel, socket)).packets();
}

Result<uint32_t> multicast_device(KernelView& kernel, int socket) {
  return TRY(Reader::of(kernel, socket)).multicast_device();
}

}  // namespace appshot
