#include "protocol/channel.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "protocol/unix_address.h"

namespace appshot {
namespace {

// What a packet holds when the document itself is in its first descriptor.
constexpr std::string_view kInMemfd = "@";

Result<> wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, deadline.left_ms());
    if (ready > 0) return {};
    if (ready == 0) return Error(ErrorClass::timeout, "no answer before the deadline");
    if (errno != EINTR) return Error::from_errno(errno, "poll");
  }
}

Result<UniqueFd> memfd_of(std::string_view text) {
  UniqueFd memfd(TRY_SYS(::memfd_create("appshot-document", MFD_CLOEXEC)));
  size_t done = 0;
  while (done < text.size())
    done += static_cast<size_t>(
        TRY_SYS(::pwrite(memfd.get(), text.data() + done, text.size() - done, done)));
  return memfd;
}

Result<std::string> text_of(int memfd) {
  struct stat facts;
  TRY_SYS(::fstat(memfd, &facts));
  if (facts.st_size < 0 || static_cast<size_t>(facts.st_size) > kDocumentBytesMax)
    return Error(ErrorClass::corrupt, "a document beyond the size limit");
  std::string text(static_cast<size_t>(facts.st_size), '\0');
  size_t done = 0;
  while (done < text.size()) {
    ssize_t got = TRY_SYS(::pread(memfd, text.data() + done, text.size() - done, done));
    if (got == 0) return Error(ErrorClass::corrupt, "a document cut short");
    done += static_cast<size_t>(got);
  }
  return text;
}

Result<> send_packet(int socket, std::string_view text, std::span<const int> fds,
                     Deadline deadline) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kPacketFdsMax)> control{};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return Error::from_errno(errno, "sendmsg");
    TRY(wait_for(socket, POLLOUT, deadline));
  }
}

void take_fds(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Result<Channel> Channel::connect(const std::string& path) {
  UniqueFd socket(TRY_SYS(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)));
  TRY(connect_unix(socket.get(), path));
  return Channel(std::move(socket));
}

Result<std::pair<Channel, Channel>> Channel::make_pair() {
  int ends[2];
  TRY_SYS(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Result<> Channel::send(const Json& document, std::span<const int> fds, Deadline deadline) {
  std::string text = json_text(document);
  if (fds.size() + 1 > kPacketFdsMax)
    return Error(ErrorClass::usage, "too many descriptors for one packet");
  if (text.size() <= kPacketBytesMax) return send_packet(socket_.get(), text, fds, deadline);
  if (text.size() > kDocumentBytesMax)
    return Error(ErrorClass::exhausted, "a document beyond the size limit");
  UniqueFd memfd = TRY(memfd_of(text));
  std::vector<int> all{memfd.get()};
  all.insert(all.end(), fds.begin(), fds.end());
  return send_packet(socket_.get(), kInMemfd, all, deadline);
}

Result<std::optional<Packet>> Channel::receive(Deadline deadline) {
  for (;;) {
    auto packet = receive_now();
    if (packet || packet.error().err() != EAGAIN) return packet;
    TRY(wait_for(socket_.get(), POLLIN, deadline));
  }
}

Result<std::optional<Packet>> Channel::receive_now() {
  buffer_.resize(kPacketBytesMax);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kPacketFdsMax)> control;
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == ECONNRESET) return std::optional<Packet>();
  if (got < 0) return Error::from_errno(errno, "recvmsg");
  Packet packet;
  take_fds(message, packet.fds);
  if (got == 0) return std::optional<Packet>();
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return Error(ErrorClass::corrupt, "a packet beyond the size limit");

  std::string_view text(buffer_.data(), static_cast<size_t>(got));
  if (text != kInMemfd) {
    packet.document = TRY(parse_json(text));
    return std::optional<Packet>(std::move(packet));
  }
  if (packet.fds.empty()) return Error(ErrorClass::corrupt, "a document's descriptor is missing");
  std::string whole = TRY(text_of(packet.fds.front().get()));
  packet.document = TRY(parse_json(whole));
  packet.fds.erase(packet.fds.begin());
  return std::optional<Packet>(std::move(packet));
}

bool Channel::peer_has_closed() const {
  pollfd entry{socket_.get(), 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace appshot
