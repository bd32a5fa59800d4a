#include "os/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace appshot {

IpAddress IpAddress::v4(uint32_t number) {
  IpAddress address;
  address.family_ = AF_INET;
  const uint32_t ordered = htonl(number);
  std::memcpy(address.bytes_.data(), &ordered, sizeof ordered);
  return address;
}

IpAddress IpAddress::v6(const in6_addr& raw) {
  IpAddress address;
  address.family_ = AF_INET6;
  std::memcpy(address.bytes_.data(), &raw, sizeof raw);
  return address;
}

std::optional<IpAddress> IpAddress::parse(const std::string& text) {
  IpAddress address;
  for (int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, text.c_str(), address.bytes_.data()) != 1) continue;
    address.family_ = family;
    return address;
  }
  return std::nullopt;
}

uint32_t IpAddress::number() const {
  uint32_t ordered = 0;
  std::memcpy(&ordered, bytes_.data(), sizeof ordered);
  return ntohl(ordered);
}

std::span<const uint8_t> IpAddress::bytes() const {
  const size_t length = family_ == AF_INET ? 4 : family_ == AF_INET6 ? 16 : 0;
  return {bytes_.data(), length};
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (*this) ::inet_ntop(family_, bytes_.data(), text, sizeof text);
  return text;
}

std::optional<IpNetwork> IpNetwork::parse(const std::string& text) {
  const size_t slash = text.find('/');
  std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, address->bits()};
  if (slash == std::string::npos) return network;
  const char* end = text.data() + text.size();
  auto [stopped, failed] = std::from_chars(text.data() + slash + 1, end, network.bits);
  if (failed != std::errc() || stopped != end || network.bits > address->bits())
    return std::nullopt;
  return network;
}

bool IpNetwork::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  const size_t whole = bits / 8;
  const auto mask = static_cast<uint8_t>(0xff00 >> (bits % 8));
  std::span<const uint8_t> ours = address.bytes();
  std::span<const uint8_t> theirs = other.bytes();
  if (!std::equal(ours.begin(), ours.begin() + static_cast<ptrdiff_t>(whole), theirs.begin()))
    return false;
  return whole == ours.size() || ((ours[whole] ^ theirs[whole]) & mask) == 0;
}

bool IpNetwork::overlaps(const IpNetwork& other) const {
  return bits <= other.bits ? contains(other.address) : other.contains(address);
}

}  // namespace appshot
