#include "image/tar.h"

#include <charconv>
#include <cstring>
#include <optional>

namespace appshot::image {
namespace {

// POSIX.1-1988; numbers are octal digits with a NUL behind them.
struct UstarHeader {
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
static_assert(sizeof(UstarHeader) == kTarBlock);

constexpr char kRegularType = '0';
constexpr char kPaxType = 'x';
constexpr char kPaxName[] = "pax-header";
constexpr uint64_t kMtimeMax = kTarPlainSizeMax;

template <size_t kBytes>
void put_octal(char (&field)[kBytes], uint64_t value) {
  for (size_t i = kBytes - 1; i-- > 0; value /= 8) field[i] = static_cast<char>('0' + value % 8);
}

template <size_t kBytes>
std::optional<uint64_t> take_octal(const char (&field)[kBytes]) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(field, field + kBytes - 1, value, 8);
  if (error != std::errc() || end != field + kBytes - 1) return {};
  return value;
}

std::string block(const std::string& name, uint64_t size, uint64_t mtime_s, char type) {
  UstarHeader header{};
  std::memcpy(header.name, name.data(), std::min(name.size(), sizeof header.name - 1));
  put_octal(header.mode, 0600);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, size);
  put_octal(header.mtime, mtime_s);
  header.type = type;
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  put_octal(header.device_major, 0);
  put_octal(header.device_minor, 0);
  // The sum of all bytes with the checksum as blanks; six digits, a NUL, a blank.
  std::memset(header.checksum, ' ', sizeof header.checksum);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof header; ++i) sum += bytes[i];
  char digits[7];
  put_octal(digits, sum);
  std::memcpy(header.checksum, digits, 6);
  header.checksum[6] = '\0';
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

// "LENGTH size=DIGITS\n", where LENGTH counts the whole record, itself included.
std::string pax_record(uint64_t size) {
  std::string rest = " size=" + std::to_string(size) + "\n";
  size_t length = rest.size() + 2;  // sizes of 9 to 20 digits: the length has two
  return std::to_string(length) + rest;
}

std::optional<uint64_t> size_of_pax_record(std::string_view record) {
  size_t begin = record.find(" size=");
  if (begin == std::string_view::npos) return {};
  std::string_view digits = record.substr(begin + 6);
  uint64_t size = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc()) return {};
  return size;
}

Error corrupt() {
  return Error(ErrorClass::corrupt, "the export is damaged, or none of appshot's")
      .hint("export it again");
}

}  // namespace

std::string tar_header(const TarMember& member) {
  if (member.size <= kTarPlainSizeMax)
    return block(member.name, member.size, member.mtime_s, kRegularType);
  std::string record = pax_record(member.size);
  std::string header = block(kPaxName, record.size(), member.mtime_s, kPaxType);
  header += record + std::string(tar_padding(record.size()), '\0');
  return header + block(member.name, kTarPlainSizeMax, member.mtime_s, kRegularType);
}

Result<TarMember> read_tar_header(const ReadFully& read) {
  std::string bytes;
  auto next_block = [&]() -> Result<std::span<const char>> {
    bytes.resize(bytes.size() + kTarBlock);
    std::span<char> place(bytes.data() + bytes.size() - kTarBlock, kTarBlock);
    TRY(read(place));
    return std::span<const char>(place);
  };
  UstarHeader header;
  std::memcpy(&header, TRY(next_block()).data(), sizeof header);
  std::optional<uint64_t> pax_size;
  if (header.type == kPaxType) {
    std::span<const char> record = TRY(next_block());
    pax_size = size_of_pax_record({record.data(), record.size()});
    if (!pax_size) return corrupt();
    std::memcpy(&header, TRY(next_block()).data(), sizeof header);
  }
  std::optional<uint64_t> size = take_octal(header.size), mtime = take_octal(header.mtime);
  if (!size || !mtime || *mtime > kMtimeMax) return corrupt();
  TarMember member{std::string(header.name, ::strnlen(header.name, sizeof header.name)),
                   pax_size.value_or(*size), *mtime};
  if (tar_header(member) != bytes) return corrupt();
  return member;
}

}  // namespace appshot::image
