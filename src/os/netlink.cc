#include "os/netlink.h"

#include <sys/socket.h>

namespace appshot {
namespace {

constexpr size_t kPacketMax = 64 * 1024;  // the kernel makes its lists in pieces of 32 KiB at most

}  // namespace

void NetlinkAttributes::each(
    const std::function<bool(uint16_t type, std::span<const uint8_t> value)>& take) const {
  std::span<const uint8_t> left = bytes_;
  while (left.size() >= sizeof(nlattr)) {
    nlattr attribute;
    std::memcpy(&attribute, left.data(), sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > left.size()) return;
    if (take(attribute.nla_type & NLA_TYPE_MASK,
             left.subspan(NLA_HDRLEN, attribute.nla_len - size_t{NLA_HDRLEN})))
      return;
    left = left.subspan(std::min<size_t>(left.size(), NLA_ALIGN(attribute.nla_len)));
  }
}

std::span<const uint8_t> NetlinkAttributes::find(uint16_t type) const {
  std::span<const uint8_t> found;
  each([&](uint16_t one, std::span<const uint8_t> value) {
    if (one != type) return false;
    found = value;
    return true;
  });
  return found;
}

std::string NetlinkAttributes::text(uint16_t type) const {
  const std::span<const uint8_t> bytes = find(type);
  return {bytes.begin(), std::ranges::find(bytes, 0)};
}

std::span<const uint8_t> NetlinkAnswer::attribute(size_t fixed_bytes, uint16_t type) const {
  const size_t behind = NLMSG_ALIGN(fixed_bytes);
  return behind > body().size() ? std::span<const uint8_t>()
                                : NetlinkAttributes(body().subspan(behind)).find(type);
}

NetlinkMessage NetlinkMessage::of_body(uint16_t type, uint16_t flags, std::span<const uint8_t> body,
                                       std::string what) {
  NetlinkMessage message;
  message.type_ = type;
  message.flags_ = flags;
  message.what_ = std::move(what);
  message.body_.assign(body.begin(), body.end());
  return message;
}

NetlinkMessage& NetlinkMessage::add(uint16_t type, std::span<const uint8_t> value) {
  const nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + value.size()), type};
  const auto* header = reinterpret_cast<const uint8_t*>(&attribute);
  body_.resize(NLMSG_ALIGN(body_.size()));
  body_.insert(body_.end(), header, header + sizeof attribute);
  body_.insert(body_.end(), value.begin(), value.end());
  body_.resize(NLA_ALIGN(body_.size()));
  return *this;
}

NetlinkMessage& NetlinkMessage::add(uint16_t type, std::string_view text) {
  const std::string whole(text);
  return add(type, {reinterpret_cast<const uint8_t*>(whole.c_str()), whole.size() + 1});
}

NetlinkMessage& NetlinkMessage::raw(std::span<const uint8_t> bytes) {
  body_.insert(body_.end(), bytes.begin(), bytes.end());
  body_.resize(NLMSG_ALIGN(body_.size()));
  return *this;
}

NetlinkMessage& NetlinkMessage::nest(uint16_t type,
                                     const std::function<void(NetlinkMessage&)>& fill) {
  body_.resize(NLMSG_ALIGN(body_.size()));
  const size_t begin = body_.size();
  add(static_cast<uint16_t>(type | NLA_F_NESTED), std::span<const uint8_t>());
  fill(*this);
  const auto length = static_cast<uint16_t>(body_.size() - begin);
  std::memcpy(body_.data() + begin, &length, sizeof length);
  return *this;
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  UniqueFd fd(TRY_SYS(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)));
  // The kernel's own words for what is wrong with a request.
  const int on = 1;
  TRY_SYS(::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on));
  return NetlinkSocket(std::move(fd));
}

namespace {

void append(std::vector<uint8_t>& packet, const NetlinkMessage& message, uint32_t sequence) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(message.body().size()));
  header.nlmsg_type = message.type();
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | message.flags());
  header.nlmsg_seq = sequence;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  packet.insert(packet.end(), bytes, bytes + sizeof header);
  packet.insert(packet.end(), message.body().begin(), message.body().end());
  packet.resize(NLMSG_ALIGN(packet.size()));
}

Error failure_of(const nlmsghdr* header, const nlmsgerr& failed, const std::string& what) {
  std::string call = what;
  // Unless it was left out, the request stands before what is said about it.
  const bool capped = (header->nlmsg_flags & NLM_F_CAPPED) != 0;
  const size_t request = capped ? 0 : failed.msg.nlmsg_len - sizeof(nlmsghdr);
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    std::span<const uint8_t> words =
        NetlinkAnswer(header).attribute(sizeof(nlmsgerr) + NLMSG_ALIGN(request), NLMSGERR_ATTR_MSG);
    if (words.size() > 1) call += " (" + std::string(words.begin(), words.end() - 1) + ")";
  }
  return Error::from_errno(-failed.error, call);
}

bool wants_answer(const NetlinkMessage& message) { return (message.flags() & NLM_F_ACK) != 0; }

}  // namespace

Result<> NetlinkSocket::take_large() {
  constexpr int kAtOnce = 256 << 20;
  TRY_SYS(::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kAtOnce, sizeof kAtOnce));
  return {};
}

Result<> NetlinkSocket::change(std::span<const NetlinkMessage> messages, int tolerated) {
  std::vector<uint8_t> packet;
  const uint32_t first = sequence_ + 1;
  size_t expected = 0;
  for (const NetlinkMessage& message : messages) {
    append(packet, message, ++sequence_);
    expected += wants_answer(message);
  }
  if (packet.empty()) return {};
  if (::send(fd_.get(), packet.data(), packet.size(), 0) < 0)
    return Error::from_errno(errno, messages.front().what());
  Result<> outcome;
  for (size_t answered = 0; answered < expected;)
    answered += TRY(take_acknowledgements(messages, first, tolerated, outcome));
  return outcome;
}

Result<size_t> NetlinkSocket::take_acknowledgements(std::span<const NetlinkMessage> messages,
                                                    uint32_t first, int tolerated,
                                                    Result<>& outcome) {
  std::vector<uint8_t> packet(kPacketMax);
  ssize_t got = ::recv(fd_.get(), packet.data(), packet.size(), 0);
  if (got < 0) return Error::from_errno(errno, messages.front().what());
  auto left = static_cast<size_t>(got);
  size_t answered = 0;
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(packet.data());
       NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
    const uint32_t index = header->nlmsg_seq - first;
    if (header->nlmsg_type != NLMSG_ERROR || index >= messages.size()) continue;
    const auto failed = NetlinkAnswer(header).fixed<nlmsgerr>();
    const NetlinkMessage& message = messages[index];
    if (failed.error != 0 && -failed.error != tolerated && outcome)
      outcome = failure_of(header, failed, message.what());
    // One that wants no answer gets one only when the whole is refused.
    if (!wants_answer(message) && failed.error != 0) return messages.size();
    ++answered;
  }
  return answered;
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

Result<> NetlinkSocket::ask(const NetlinkMessage& question, const Take& take) {
  const char* what = question.what().c_str();
  TRY(send(question.type(), question.flags(), question.body(), what));
  bool answered = false;
  while (!answered)
    TRY(take_packet(what, [&](const NetlinkAnswer& answer) {
      take(answer);
      answered = true;
    }));
  return {};
}

Result<> NetlinkSocket::listen(int group) {
  // One that has no address yet is told nothing.
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  socklen_t size = sizeof own;
  TRY_SYS(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &size));
  if (own.nl_pid == 0)
    TRY_SYS(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own));
  TRY_SYS(::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
  return {};
}

Result<> NetlinkSocket::take_waiting(const char* what, const Take& take) {
  std::vector<uint8_t> packet(kPacketMax);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got < 0) return Error::from_errno(errno, what);
    auto left = static_cast<size_t>(got);
    if (left > packet.size()) return Error::from_errno(EMSGSIZE, what);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(packet.data());
         NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
      take(NetlinkAnswer(header));
  }
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
