#include "resources/udp/begun.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "os/kernel_datagrams.h"
#include "resources/inet.h"

namespace appshot::udp {
namespace {

// What is on its way out counts as well.
bool may_hold_unsent(int socket) {
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

InetName destination_of(const BegunDatagram& begun, int domain) {
  InetName name = name_at(domain, begun.to, begun.port);
  if (domain == AF_INET6)
    std::memcpy(name.data() + offsetof(sockaddr_in6, sin6_scope_id), &begun.device,
                sizeof begun.device);
  return name;
}

// What is asked for with one datagram alone.
class Control {
 public:
  void add(int level, int type, int value) {
    cmsghdr part{};
    part.cmsg_level = level;
    part.cmsg_type = type;
    part.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(bytes_.data() + length_, &part, sizeof part);
    std::memcpy(bytes_.data() + length_ + CMSG_LEN(0), &value, sizeof value);
    length_ += CMSG_SPACE(sizeof value);
  }
  void attach_to(msghdr& message) {
    if (length_ == 0) return;
    message.msg_control = bytes_.data();
    message.msg_controllen = length_;
  }

 private:
  alignas(cmsghdr) std::array<char, 2 * CMSG_SPACE(sizeof(int))> bytes_{};
  size_t length_ = 0;
};

}  // namespace

std::string why_begun_is_hidden(int socket) {
  if (!may_hold_unsent(socket)) return "";
  Result<KernelMemory> memory = KernelMemory::open();
  return memory ? "" : memory.error().message();
}

Result<> capture_begun(CaptureContext& context, int socket, image::UdpSocketT& into) {
  if (!may_hold_unsent(socket)) return {};
  KernelView* kernel = context.kernel();
  if (kernel == nullptr)
    return Error(ErrorClass::unsupported, "the kernel's memory cannot be read");
  std::optional<BegunDatagram> begun = TRY(begun_datagram(*kernel, socket));
  if (!begun) return {};
  int segment = 0;
  socklen_t length = sizeof segment;
  TRY_SYS(::getsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &segment, &length));
  if (begun->has_options || begun->segment != segment)
    return Error(ErrorClass::refused,
                 "a UDP socket holds part of a datagram (MSG_MORE, UDP_CORK) that has IP options, "
                 "or segments of its own")
        .hint("let it send the rest first");
  into.begun = std::make_unique<image::BegunDatagramT>();
  into.begun->data = std::move(begun->bytes);
  into.begun->to = destination_of(*begun, into.domain);
  into.begun->hops = begun->hops;
  into.begun->service = begun->service;
  return {};
}

Result<> give_begun(int socket, const image::UdpSocketT& from) {
  if (!from.begun) return {};
  const image::BegunDatagramT& begun = *from.begun;
  const BufferSizes sizes = TRY(make_room(socket));
  InetName to = begun.to;
  std::vector<uint8_t> data = begun.data;
  iovec part{data.data(), data.size()};
  Control control;
  const bool v4 = ip_address_of(to).is_v4();
  const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  if (begun.hops >= 0) control.add(level, v4 ? IP_TTL : IPV6_HOPLIMIT, begun.hops);
  if (begun.service >= 0) control.add(level, v4 ? IP_TOS : IPV6_TCLASS, begun.service);
  msghdr message{};
  message.msg_name = to.data();
  message.msg_namelen = static_cast<socklen_t>(to.size());
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  control.attach_to(message);
  TRY_SYS(::sendmsg(socket, &message, MSG_MORE | MSG_DONTWAIT));
  return take_room_back(socket, sizes);
}

}  // namespace appshot::udp
