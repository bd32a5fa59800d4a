// One end of a daemon-harness connection: a SOCK_SEQPACKET unix socket that carries one JSON
// document a packet, with descriptors beside it (docs/harness-protocol.md).
//
// Threads: one may send while another receives; two senders must take turns by themselves.
// Death: a peer that is gone is the outcome "no packet" of receive, and class gone of send.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/unique_fd.h"
#include "protocol/json.h"

namespace appshot {

// The largest packet; a longer document travels in a memfd, unseen by both users of a channel.
inline constexpr size_t kPacketBytesMax = 128 * 1024;
inline constexpr size_t kDocumentBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kPacketFdsMax = 16;

struct Packet {
  Json document;
  std::vector<UniqueFd> fds;
};

class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  static Result<Channel> connect(const std::string& path);
  static Result<std::pair<Channel, Channel>> make_pair();

  // Waits while the peer's queue is full, at most until the deadline (class timeout).
  Result<> send(const Json& document, std::span<const int> fds = {},
                Deadline deadline = Deadline::in(std::chrono::seconds(10)));

  // The next packet; none when the peer has closed. Class timeout when the deadline passes first.
  Result<std::optional<Packet>> receive(Deadline deadline);

  // Known before what the peer has left to be received has been.
  bool peer_has_closed() const;

  explicit operator bool() const { return static_cast<bool>(socket_); }
  int fd() const { return socket_.get(); }
  UniqueFd release() { return std::move(socket_); }

 private:
  Result<std::optional<Packet>> receive_now();

  UniqueFd socket_;
  std::vector<char> buffer_;
};

}  // namespace appshot
