#include "resources/plain_sockets/plain_socket.h"

#include <fcntl.h>
#include <linux/icmp.h>
#include <linux/netlink.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "resources/inet.h"
#include "resources/inet_groups.h"
#include "resources/plain_sockets/netlink.h"
#include "resources/plain_sockets/packets.h"

namespace appshot::plain_sockets {
namespace {

constexpr OptionName kRawOptions[] = {{SOL_RAW, ICMP_FILTER},
                                      {IPPROTO_ICMPV6, ICMP6_FILTER},
                                      {IPPROTO_IP, IP_HDRINCL},
                                      {IPPROTO_IPV6, IPV6_CHECKSUM}};

Result<SocketOptions> options_of(int socket, const image::PlainSocketT& record) {
  UniqueFd fresh(TRY_SYS(::socket(record.domain, record.type | SOCK_CLOEXEC, record.protocol)));
  if (record.domain == AF_NETLINK) {
    SocketOptions options = TRY(capture_options(socket, fresh.get(), netlink_options()));
    TRY(capture_memberships(socket, options));
    return options;
  }
  std::vector<OptionName> names;
  for (std::span<const OptionName> list :
       {inet_options(record.domain), multicast_options(record.domain),
        std::span<const OptionName>(kRawOptions)})
    names.insert(names.end(), list.begin(), list.end());
  SocketOptions options = TRY(capture_options(socket, fresh.get(), names));
  TRY(capture_groups(socket, record.domain, options));
  return options;
}

std::string obstacle_of(const InstanceView& instance, int socket, const std::string& protocol) {
  if (has_event(socket, POLLERR)) return "a socket with an error that has not been looked at";
  if (has_event(socket, POLLIN)) {
    const std::string why = protocol == "NETLINK" ? "" : why_packets_are_lost(instance);
    if (protocol == "NETLINK" || !why.empty())
      return "a " + protocol + " socket in which something waits that cannot be put back" +
             (why.empty() ? "" : " (" + why + ")");
  }
  Result<int> number = number_of(socket, SO_PROTOCOL);
  if (protocol == "NETLINK" && number && !is_kept_whole(*number))
    return "a netlink socket (protocol " + std::to_string(*number) +
           ") for which the kernel keeps more than can be seen";
  return "";
}

bool is_for_pings(const image::PlainSocketT& socket) {
  return socket.domain != AF_NETLINK && socket.type == SOCK_DGRAM;
}

// A netlink socket that nobody has bound says so by the number 0.
bool is_nobody(const InetName& name) {
  sockaddr_nl address{};
  std::memcpy(&address, name.data(), std::min(name.size(), sizeof address));
  return address.nl_family == AF_NETLINK && address.nl_pid == 0 && address.nl_groups == 0;
}

}  // namespace

bool PlainSocket::recognises(const DescriptorRef& ref) const {
  constexpr const char* kProtocols[] = {"RAW", "RAWv6", "PING", "PINGv6", "NETLINK"};
  const std::string protocol = protocol_of(ref);
  return std::ranges::count(kProtocols, protocol) != 0;
}

std::string PlainSocket::obstacle(const DescriptorRef& ref) const {
  Result<UniqueFd> copy = ref.process.pidfd.take_copy(ref.descriptor.fd);
  return copy ? obstacle_of(ref.instance, copy->get(), protocol_of(ref)) : "";  // closed since
}

Result<image::FileKindUnion> PlainSocket::capture(CaptureContext& context,
                                                  const DescriptorRef& ref) const {
  UniqueFd copy = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  image::PlainSocketT socket;
  socket.domain = TRY(number_of(copy.get(), SO_DOMAIN));
  socket.type = TRY(number_of(copy.get(), SO_TYPE));
  socket.protocol = TRY(number_of(copy.get(), SO_PROTOCOL));
  socket.name = TRY(name_of(copy.get()));
  socket.peer_name = TRY(peer_name_of(copy.get()));
  if (is_nobody(socket.peer_name)) socket.peer_name.clear();
  socket.options = TRY(options_of(copy.get(), socket));
  if (socket.domain != AF_NETLINK)
    TRY(capture_multicast_device(context, copy.get(), socket.options));
  if (socket.domain != AF_NETLINK) TRY(capture_packets(context, copy.get(), socket));
  socket.uid = ref.descriptor.info.st_uid;
  socket.gid = ref.descriptor.info.st_gid;
  image::FileKindUnion kind;
  kind.Set(std::move(socket));
  return kind;
}

Result<UniqueFd> new_socket(const image::PlainSocketT& record) {
  UniqueFd fd(TRY_SYS(::socket(record.domain, record.type | SOCK_CLOEXEC, record.protocol)));
  // What is for a socket for pings is known by its name.
  if (is_for_pings(record)) TRY(bind_to(fd.get(), record.name));
  return fd;
}

Result<> finish(int fd, const image::OpenFileT& file) {
  const image::PlainSocketT& socket = *file.kind.AsPlainSocket();
  TRY(apply_options(fd, socket.options));
  if (!is_for_pings(socket)) TRY(bind_to(fd, socket.name));
  if (!socket.peer_name.empty()) TRY(connect_to(fd, socket.peer_name));
  TRY_SYS(::fcntl(fd, F_SETFL, file.flags & (O_NONBLOCK | O_APPEND)));
  if (socket.uid != 0 || socket.gid != 0) TRY_SYS(::fchown(fd, socket.uid, socket.gid));
  return {};
}

Result<UniqueFd> PlainSocket::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const image::PlainSocketT& socket = *file.kind.AsPlainSocket();
  if (socket.domain != AF_NETLINK) return take_made(context, file);
  UniqueFd fd = TRY(new_socket(socket));
  TRY(finish(fd.get(), file));
  return fd;
}

}  // namespace appshot::plain_sockets
