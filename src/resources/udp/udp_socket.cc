#include "resources/udp/udp_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "resources/chosen_sharer.h"
#include "resources/inet.h"
#include "resources/inet_groups.h"
#include "resources/socket_errors.h"
#include "resources/udp/begun.h"
#include "resources/udp/datagrams.h"
#include "resources/udp/errors.h"

namespace appshot::udp {
namespace {

// Of UDP-Lite, which only the kernel's headers name.
constexpr int kSendCoverage = 10;
constexpr int kReceiveCoverage = 11;

constexpr OptionName kOptions[] = {
    {IPPROTO_UDP, UDP_CORK},          {IPPROTO_UDP, UDP_SEGMENT},         {IPPROTO_UDP, UDP_GRO},
    {IPPROTO_UDP, UDP_NO_CHECK6_TX},  {IPPROTO_UDP, UDP_NO_CHECK6_RX},    {SOL_SOCKET, SO_NO_CHECK},
    {IPPROTO_UDPLITE, kSendCoverage}, {IPPROTO_UDPLITE, kReceiveCoverage}};

Result<SocketOptions> options_of(int socket, int domain, int protocol) {
  UniqueFd fresh(TRY_SYS(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, protocol)));
  std::vector<OptionName> names;
  for (std::span<const OptionName> list :
       {inet_options(domain), multicast_options(domain), std::span<const OptionName>(kOptions)})
    names.insert(names.end(), list.begin(), list.end());
  SocketOptions options = TRY(capture_options(socket, fresh.get(), names));
  TRY(capture_groups(socket, domain, options));
  return options;
}

bool shares_name(const image::UdpSocketT& socket) {
  return std::ranges::any_of(socket.options, [](const auto& option) {
    return option->level == SOL_SOCKET && option->name == SO_REUSEPORT;
  });
}

// Files are opened in their order.
uint32_t sharers_before(const image::ImageT& image, const image::OpenFileT& file) {
  const std::string name = key_of(file.kind.AsUdpSocket()->name);
  uint32_t count = 0;
  for (const auto& other : image.open_files) {
    if (other.get() == &file) break;
    const image::UdpSocketT* socket = other->kind.AsUdpSocket();
    if (socket != nullptr && shares_name(*socket) && key_of(socket->name) == name) ++count;
  }
  return count;
}

}  // namespace

bool UdpSocket::recognises(const DescriptorRef& ref) const {
  return protocol_of(ref).starts_with("UDP");
}

std::string UdpSocket::obstacle(const DescriptorRef& ref) const {
  Result<UniqueFd> copy = ref.process.pidfd.take_copy(ref.descriptor.fd);
  if (!copy) return "";  // closed since
  if (const std::string hidden = why_begun_is_hidden(copy->get()); !hidden.empty())
    return "a UDP socket that holds part of a datagram it has not sent (MSG_MORE, UDP_CORK; " +
           hidden + ")";
  if (const std::string hidden = why_errors_are_hidden(copy->get()); !hidden.empty())
    return "a UDP socket with an error that the program has not looked at (" + hidden + ")";
  if (has_event(copy->get(), POLLERR) && has_event(copy->get(), POLLIN))
    return "a UDP socket with datagrams behind an error that the program has not looked at";
  return "";
}

Result<image::FileKindUnion> UdpSocket::capture(CaptureContext& context,
                                                const DescriptorRef& ref) const {
  UniqueFd copy = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  image::UdpSocketT socket;
  socket.domain = TRY(number_of(copy.get(), SO_DOMAIN));
  socket.protocol = TRY(number_of(copy.get(), SO_PROTOCOL));
  socket.name = TRY(name_of(copy.get()));
  socket.peer_name = TRY(peer_name_of(copy.get()));
  socket.options = TRY(options_of(copy.get(), socket.domain, socket.protocol));
  TRY(capture_multicast_device(context, copy.get(), socket.options));
  socket.uid = ref.descriptor.info.st_uid;
  socket.gid = ref.descriptor.info.st_gid;
  // Looking at the queue would take an error from its owner.
  if (!has_event(copy.get(), POLLERR)) TRY(capture_datagrams(context.instance, copy.get(), socket));
  TRY(capture_errors(context, copy.get(), socket));
  TRY(capture_begun(context, copy.get(), socket));
  image::FileKindUnion kind;
  kind.Set(std::move(socket));
  return kind;
}

Result<UniqueFd> UdpSocket::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const image::UdpSocketT& socket = *file.kind.AsUdpSocket();
  UniqueFd fd(TRY_SYS(::socket(socket.domain, SOCK_DGRAM | SOCK_CLOEXEC, socket.protocol)));
  TRY(apply_options(fd.get(), socket.options));
  TRY(bind_to(fd.get(), socket.name));
  // A connected socket takes from its peer alone.
  {
    std::optional<ChosenSharer> chosen;
    if (!socket.datagrams.empty() && shares_name(socket))
      chosen.emplace(TRY(ChosenSharer::among(fd.get(), sharers_before(context.image, file))));
    TRY(put_back_datagrams(fd.get(), socket));
  }
  if (!socket.peer_name.empty()) TRY(connect_to(fd.get(), socket.peer_name));
  TRY(put_back_errors(fd.get(), socket));
  TRY(give_begun(fd.get(), socket));
  TRY_SYS(::fcntl(fd.get(), F_SETFL, file.flags & (O_NONBLOCK | O_APPEND)));
  if (socket.uid != 0 || socket.gid != 0) TRY_SYS(::fchown(fd.get(), socket.uid, socket.gid));
  return fd;
}

}  // namespace appshot::udp
