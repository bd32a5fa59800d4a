// Netlink: questions to the kernel in messages with attributes, answered by one or many.
// (The libraries for it bring a resolver along that a static program cannot have.)
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// Attributes one behind the other: behind the fixed part of a message, or in one that is nested.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // Until `take` says that it has seen enough.
  void each(const std::function<bool(uint16_t type, std::span<const uint8_t> value)>& take) const;
  // Empty when there is none.
  std::span<const uint8_t> find(uint16_t type) const;
  NetlinkAttributes nested(uint16_t type) const { return NetlinkAttributes(find(type)); }
  template <typename T>
  T number(uint16_t type) const {
    T value{};
    std::span<const uint8_t> bytes = find(type);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
  }
  // Without the zero at its end.
  std::string text(uint16_t type) const;

 private:
  std::span<const uint8_t> bytes_;
};

// One message as it came: its fixed part, then attributes.
class NetlinkAnswer {
 public:
  explicit NetlinkAnswer(const nlmsghdr* header) : header_(header) {}

  uint16_t type() const { return header_->nlmsg_type; }
  // All that is behind the message's header.
  std::span<const uint8_t> body() const {
    return {reinterpret_cast<const uint8_t*>(header_) + NLMSG_HDRLEN,
            header_->nlmsg_len - size_t{NLMSG_HDRLEN}};
  }
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

// One message as it will be sent: a fixed part, then attributes, some with attributes in them.
class NetlinkMessage {
 public:
  // `what` is for errors: "route to 198.18.0.5".
  static NetlinkMessage of_body(uint16_t type, uint16_t flags, std::span<const uint8_t> body,
                                std::string what);
  template <typename T>
  NetlinkMessage(uint16_t type, uint16_t flags, const T& fixed, std::string what)
      : type_(type), flags_(flags), what_(std::move(what)) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&fixed);
    body_.assign(bytes, bytes + sizeof fixed);
  }

  NetlinkMessage& add(uint16_t type, std::span<const uint8_t> value);
  NetlinkMessage& add(uint16_t type, std::string_view text);  // with the zero at its end
  template <typename T>
  NetlinkMessage& number(uint16_t type, T value) {
    return add(type, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  // Bytes that are no attribute: a fixed part inside of one.
  NetlinkMessage& raw(std::span<const uint8_t> bytes);
  // What `fill` adds stands inside of one attribute.
  NetlinkMessage& nest(uint16_t type, const std::function<void(NetlinkMessage&)>& fill);

  uint16_t type() const { return type_; }
  uint16_t flags() const { return flags_; }
  const std::string& what() const { return what_; }
  std::span<const uint8_t> body() const { return body_; }

 private:
  NetlinkMessage() = default;
  uint16_t type_ = 0;
  uint16_t flags_ = 0;
  std::string what_;
  std::vector<uint8_t> body_;
};

class NetlinkSocket {
 public:
  // `protocol` is NETLINK_*; in the caller's network namespace, in which it stays.
  static Result<NetlinkSocket> open(int protocol);

  // Changes, in one go; each is answered. The first that fails is the error, and none after it has
  // been made but by chance: whoever needs all or nothing sends a transaction (nftables.h).
  // `tolerated`: an errno that is as good as success (EEXIST, ESRCH).
  Result<> change(std::span<const NetlinkMessage> messages, int tolerated = 0);
  Result<> change(const NetlinkMessage& message, int tolerated = 0) {
    return change({&message, 1}, tolerated);
  }

  using Take = std::function<void(const NetlinkAnswer&)>;
  // However much is changed at once.
  Result<> take_large();
  // All of a list (NLM_F_DUMP). `what` is for errors: "list of UNIX sockets".
  Result<> list(uint16_t type, std::span<const uint8_t> request, const char* what,
                const Take& take);
  // What the kernel tells that group (RTNLGRP_… and the like) waits here from now on.
  Result<> listen(int group);
  // All of it. ENOBUFS: more was told than can wait.
  Result<> take_waiting(const char* what, const Take& take);
  // A question that has one answer.
  Result<> ask(const NetlinkMessage& question, const Take& take);

 private:
  explicit NetlinkSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<> send(uint16_t type, uint16_t flags, std::span<const uint8_t> request, const char* what);
  // Whether the list is at its end.
  Result<bool> take_packet(const char* what, const Take& take);
  Result<size_t> take_acknowledgements(std::span<const NetlinkMessage> messages, uint32_t first,
                                       int tolerated, Result<>& outcome);

  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace appshot
