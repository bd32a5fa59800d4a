#include "resources/plain_sockets/packets.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/deadline.h"
#include "os/kernel_datagrams.h"
#include "os/whole_packets.h"
#include "resources/plain_sockets/plain_socket.h"
#include "resources/sockets.h"

namespace appshot::plain_sockets {
namespace {

constexpr uint32_t kMark = 0x61736833;
constexpr std::chrono::seconds kArrivalMax{5};

// Whether it finds its way by loopback once more.
bool can_come_again(const std::vector<uint8_t>& packet) {
  if (packet.empty()) return false;
  if (packet[0] >> 4 == 4) {
    iphdr header{};
    if (packet.size() < sizeof header) return false;
    std::memcpy(&header, packet.data(), sizeof header);
    return header.daddr != htonl(INADDR_BROADCAST);
  }
  ip6_hdr header{};
  if (packet.size() < sizeof header) return false;
  std::memcpy(&header, packet.data(), sizeof header);
  return !IN6_IS_ADDR_MULTICAST(&header.ip6_dst) && !IN6_IS_ADDR_LINKLOCAL(&header.ip6_dst) &&
         !IN6_IS_ADDR_LINKLOCAL(&header.ip6_src);
}

// Nothing more arrives at a socket.
Result<> close_ears(int socket) {
  sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{1, nothing};
  TRY_SYS(::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  return {};
}

Result<> open_ears(int socket) {
  const int none = 0;
  TRY_SYS(::setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none));
  return {};
}

// The kernel numbers a packet that has no number, and sums its header up.
std::vector<uint8_t> without_number(std::vector<uint8_t> packet) {
  if (packet.size() < sizeof(iphdr) || packet[0] >> 4 != 4) return packet;
  for (const size_t at : {offsetof(iphdr, id), offsetof(iphdr, check)})
    std::memset(packet.data() + at, 0, sizeof(uint16_t));
  return packet;
}

Result<> wait_for_all(KernelView& kernel, int socket, const image::PlainSocketT& record) {
  const Deadline deadline = Deadline::in(kArrivalMax);
  for (;;) {
    const auto there = TRY(waiting_packets(kernel, socket));
    if (std::ranges::equal(there, record.packets, [](const auto& one, const auto& wanted) {
          return without_number(one) == without_number(wanted->data);
        }))
      return {};
    if (deadline.passed())
      return Error(ErrorClass::timeout, "a raw socket does not get what waited in it");
    ::poll(nullptr, 0, 1);
  }
}

bool is_of_packets(const image::OpenFileT& file) {
  const image::PlainSocketT* record = file.kind.AsPlainSocket();
  return record != nullptr && record->domain != AF_NETLINK;
}

Result<> make_in_one_network(RestoreContext& context, int network) {
  std::optional<Silence> silence;
  std::optional<KernelView> kernel;
  for (const auto& file : context.image.open_files) {
    if (!is_of_packets(*file) || file->network != network) continue;
    const image::PlainSocketT& record = *file->kind.AsPlainSocket();
    UniqueFd socket = TRY(new_socket(record));
    if (!record.packets.empty()) {
      if (!silence) silence.emplace(TRY(Silence::begin(kMark)));
      if (!kernel) kernel.emplace(TRY(KernelView::open(nullptr)));
      const BufferSizes sizes = TRY(make_room(socket.get()));
      for (const auto& packet : record.packets) TRY(send_whole_packet(packet->data, kMark));
      TRY(wait_for_all(*kernel, socket.get(), record));
      TRY(take_room_back(socket.get(), sizes));
    }
    TRY(close_ears(socket.get()));
    context.sockets[file.get()] = std::move(socket);
  }
  return {};
}

}  // namespace

std::string why_packets_are_lost(const InstanceView& instance) {
  if (instance.share.net) return "in the host's network";
  Result<KernelMemory> memory = KernelMemory::open();
  return memory ? "" : memory.error().message();
}

Result<> capture_packets(CaptureContext& context, int socket, image::PlainSocketT& into) {
  if (!has_event(socket, POLLIN)) return {};
  KernelView* kernel = context.kernel();
  if (kernel == nullptr)
    return Error(ErrorClass::unsupported, "the kernel's memory cannot be read");
  for (std::vector<uint8_t>& packet : TRY(waiting_packets(*kernel, socket))) {
    if (!can_come_again(packet))
      return Error(ErrorClass::refused,
                   "a raw socket in which a packet waits that came to a group or over a link, and "
                   "cannot come again")
          .hint("let its owner read it");
    into.packets.push_back(std::make_unique<image::RawPacketT>());
    into.packets.back()->data = std::move(packet);
  }
  return {};
}

Result<> make_deaf(RestoreContext& context) {
  for (int network : context.networks())
    TRY(context.in_network(network, [&] { return make_in_one_network(context, network); }));
  return {};
}

Result<> let_hear(RestoreContext& context) {
  for (size_t i = 0; i < context.image.open_files.size(); ++i) {
    const image::OpenFileT& file = *context.image.open_files[i];
    if (!is_of_packets(file)) continue;
    TRY(open_ears(context.files[i].get()));
    TRY(finish(context.files[i].get(), file));
  }
  return {};
}

}  // namespace appshot::plain_sockets
