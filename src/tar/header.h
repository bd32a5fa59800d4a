// What all tar archives are made of: blocks, the headers among them, and the numbers in those.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace appshot::tar {

inline constexpr size_t kBlock = 512;
// What eleven octal digits can say: 8 GiB less one byte.
inline constexpr uint64_t kPlainSizeMax = (1ULL << 33) - 1;

// POSIX.1-1988. Numbers are octal digits with a NUL behind them, unless GNU tar has written them.
struct Header {
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
static_assert(sizeof(Header) == kBlock);

// What fills up the last block of so many bytes, and what an archive ends with.
inline uint64_t padding_of(uint64_t size) { return (kBlock - size % kBlock) % kBlock; }
inline std::string end_of_archive() { return std::string(2 * kBlock, '\0'); }

// Of POSIX' form, with zeros for all else.
Header new_header(char type, uint64_t size);
// Its bytes, with their sum in it.
std::string sealed(Header header);

// The sum of all bytes, those of the checksum itself taken as blanks.
uint64_t checksum_of(const Header& header);

// Octal digits, or a number in base 256 (GNU); blank is 0. Absent: neither.
std::optional<int64_t> number_in(std::span<const char> field);
// As octal digits and a NUL, the lowest that fit; false when not all do.
bool put_number(std::span<char> field, uint64_t value);

// Up to a NUL, or all of it.
std::string_view text_in(std::span<const char> field);
// As much as fits; false when that is not all.
bool put_text(std::span<char> field, std::string_view text);

}  // namespace appshot::tar
