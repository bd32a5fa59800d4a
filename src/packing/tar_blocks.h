// What tar archives are made of: blocks, headers, numbers, and the records of pax headers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "packing/entry.h"

namespace appshot::packing {

inline constexpr size_t kBlock = 512;

// POSIX.1-1988, as GNU tar and pax extend it.
struct TarHeader {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(TarHeader) == kBlock);

inline uint64_t padding_of(uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

// The sum of all bytes, those of the checksum itself taken as blanks.
uint64_t checksum_of(const TarHeader& header);

// Octal digits, or a number in base 256 (GNU); blank is 0. Absent: neither.
std::optional<int64_t> number_in(std::span<const char> field);
// As octal digits and a NUL; false when they do not fit.
bool put_number(std::span<char> field, uint64_t value);
// Up to a NUL, or all of it.
std::string_view text_in(std::span<const char> field);

// "LENGTH KEY=VALUE\n", where LENGTH counts the whole record, itself included.
using PaxRecords = std::map<std::string, std::string>;
std::string pax_text(const PaxRecords& records);
Result<PaxRecords> parse_pax(std::string_view text);

// "-12.5": seconds with a fraction.
std::string pax_time(const Time& time);
std::optional<Time> parse_pax_time(std::string_view text);
std::optional<uint64_t> parse_decimal(std::string_view text);

}  // namespace appshot::packing
