// An IPv4 or IPv6 address, and text for it.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace appshot {

class IpAddress {
 public:
  IpAddress() = default;
  static IpAddress v4(uint32_t number);  // in the processor's order
  static IpAddress v6(const in6_addr& address);
  static std::optional<IpAddress> parse(const std::string& text);

  int family() const { return family_; }  // AF_UNSPEC: none
  bool is_v4() const { return family_ == AF_INET; }
  explicit operator bool() const { return family_ != AF_UNSPEC; }
  uint32_t number() const;  // of IPv4
  std::span<const uint8_t> bytes() const;
  uint8_t bits() const { return static_cast<uint8_t>(bytes().size() * 8); }
  std::string text() const;  // empty: none
  bool operator==(const IpAddress&) const = default;

 private:
  int family_ = AF_UNSPEC;
  std::array<uint8_t, 16> bytes_{};
};

// Those that begin with the same bits.
struct IpNetwork {
  IpAddress address;
  uint8_t bits = 0;

  static std::optional<IpNetwork> parse(const std::string& text);  // "198.18.0.0/15"
  std::string text() const { return address.text() + "/" + std::to_string(bits); }
  bool contains(const IpAddress& other) const;
  bool overlaps(const IpNetwork& other) const;
  bool operator==(const IpNetwork&) const = default;
};

}  // namespace appshot
