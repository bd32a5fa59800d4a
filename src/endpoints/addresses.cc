#include "endpoints/addresses.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace appshot {
namespace {

constexpr uint8_t kPartBits = 20;  // 4096 addresses
// fd61:7073:686f::/48; the virtual address is its end.
constexpr uint8_t kV6Begin[] = {0xfd, 0x61, 0x70, 0x73, 0x68, 0x6f};
constexpr uint8_t kV6Bits = 48;
constexpr uint8_t kV4InV6 = 12;

uint8_t part_bits(const IpNetwork& whole) { return std::max(whole.bits, kPartBits); }

}  // namespace

IpAddress v6_of(const IpAddress& v4) {
  in6_addr raw{};
  std::copy(std::begin(kV6Begin), std::end(kV6Begin), raw.s6_addr);
  std::ranges::copy(v4.bytes(), raw.s6_addr + kV4InV6);
  return IpAddress::v6(raw);
}

IpAddress EndpointAddresses::inside_v6() const { return v6 ? v6_of(inside_v4()) : v6; }

IpNetwork AddressRange::whole_v6() const { return {v6_of(IpAddress::v4(0)), kV6Bits}; }

IpNetwork AddressRange::part_v6() const {
  return {v6_of(part.address), static_cast<uint8_t>(kV4InV6 * 8 + part.bits)};
}

links::HardwareAddress hardware_address_of(const IpAddress& v4) {
  links::HardwareAddress address{0x02, 0x61};  // given locally
  std::ranges::copy(v4.bytes(), address.begin() + 2);
  return address;
}

uint32_t parts_of(const IpNetwork& whole) { return 1U << (part_bits(whole) - whole.bits); }

IpNetwork part_of(const IpNetwork& whole, uint32_t identity, uint32_t attempt) {
  const uint8_t bits = part_bits(whole);
  const uint32_t number = (identity + attempt) % parts_of(whole);
  return {IpAddress::v4(whole.address.number() + (number << (32 - bits))), bits};
}

uint32_t identity_of(const std::string& state_dir) {
  uint32_t hash = 2166136261U;  // FNV-1a
  for (unsigned char c : state_dir) hash = (hash ^ c) * 16777619U;
  return hash;
}

std::string hexadecimal(uint32_t number) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", number);
  return text;
}

std::string table_name_of(uint32_t identity) { return "appshot-" + hexadecimal(identity); }

}  // namespace appshot
