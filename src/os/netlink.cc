#include "os/netlink.h"

#include <sys/socket.h>

namespace appshot {
namespace {

constexpr size_t kPacketMax = 64 * 1024;  // the kernel makes its lists in pieces of 32 KiB at most

}  // namespace

std::span<const uint8_t> NetlinkAnswer::attribute(size_t fixed_bytes, uint16_t type) const {
  const auto* at = reinterpret_cast<const uint8_t*>(header_) + NLMSG_SPACE(fixed_bytes);
  const auto* end = reinterpret_cast<const uint8_t*>(header_) + header_->nlmsg_len;
  while (at + sizeof(nlattr) <= end) {
    nlattr attribute;
    std::memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > end) return {};
    if ((attribute.nla_type & NLA_TYPE_MASK) == type)
      return {at + NLA_HDRLEN, attribute.nla_len - size_t{NLA_HDRLEN}};
    at += NLA_ALIGN(attribute.nla_len);
  }
  return {};
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  UniqueFd fd(TRY_SYS(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)));
  return NetlinkSocket(std::move(fd));
}

Result<> NetlinkSocket::send(uint16_t type, uint16_t flags, std::span<const uint8_t> request,
                             const char* what) {
  std::vector<uint8_t> packet(NLMSG_SPACE(request.size()));
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(request.size()));
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  header.nlmsg_seq = ++sequence_;
  std::memcpy(packet.data(), &header, sizeof header);
  std::memcpy(packet.data() + NLMSG_HDRLEN, request.data(), request.size());
  if (::send(fd_.get(), packet.data(), packet.size(), 0) < 0) return Error::from_errno(errno, what);
  return {};
}

Result<> NetlinkSocket::list(uint16_t type, std::span<const uint8_t> request, const char* what,
                             const Take& take) {
  TRY(send(type, NLM_F_DUMP, request, what));
  while (!TRY(take_packet(what, take))) {
  }
  return {};
}

Result<bool> NetlinkSocket::take_packet(const char* what, const Take& take) {
  std::vector<uint8_t> packet(kPacketMax);
  ssize_t got = ::recv(fd_.get(), packet.data(), packet.size(), 0);
  if (got < 0) return Error::from_errno(errno, what);
  auto left = static_cast<size_t>(got);
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(packet.data());
       NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_seq != sequence_) continue;
    if (header->nlmsg_type == NLMSG_DONE) return true;
    if (header->nlmsg_type == NLMSG_ERROR) {
      const auto failed = NetlinkAnswer(header).fixed<nlmsgerr>().error;
      return Error::from_errno(-failed, what);
    }
    take(NetlinkAnswer(header));
  }
  return false;
}

}  // namespace appshot
