// Netlink: questions to the kernel in messages with attributes, answered by one or many.
// (The libraries for it bring a resolver along that a static program cannot have.)
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// One message as it came: its fixed part, then attributes.
class NetlinkAnswer {
 public:
  explicit NetlinkAnswer(const nlmsghdr* header) : header_(header) {}

  uint16_t type() const { return header_->nlmsg_type; }
  // The fixed part.
  template <typename T>
  T fixed() const {
    T value{};
    if (header_->nlmsg_len >= NLMSG_LENGTH(sizeof value))
      std::memcpy(&value, NLMSG_DATA(header_), sizeof value);
    return value;
  }
  // An attribute behind a fixed part of that size; empty when there is none.
  std::span<const uint8_t> attribute(size_t fixed_bytes, uint16_t type) const;
  template <typename T>
  T number(size_t fixed_bytes, uint16_t type) const {
    T value{};
    std::span<const uint8_t> bytes = attribute(fixed_bytes, type);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
  }

 private:
  const nlmsghdr* header_;
};

class NetlinkSocket {
 public:
  // `protocol` is NETLINK_*; in the caller's network namespace.
  static Result<NetlinkSocket> open(int protocol);

  using Take = std::function<void(const NetlinkAnswer&)>;
  // All of a list (NLM_F_DUMP). `what` is for errors: "list of UNIX sockets".
  Result<> list(uint16_t type, std::span<const uint8_t> request, const char* what,
                const Take& take);

 private:
  explicit NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<> send(uint16_t type, uint16_t flags, std::span<const uint8_t> request, const char* what);
  // Whether the list is at its end.
  Result<bool> take_packet(const char* what, const Take& take);

  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace appshot
