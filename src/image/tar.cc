#include "image/tar.h"

#include <cstring>
#include <optional>

#include "base/decimal.h"
#include "tar/header.h"
#include "tar/pax.h"

namespace appshot::image {
namespace {

constexpr char kRegularType = '0';
constexpr uint64_t kMtimeMax = tar::kPlainSizeMax;

std::string block(const std::string& name, uint64_t size, uint64_t mtime_s, char type) {
  tar::Header header = tar::new_header(type, size);
  tar::put_text(std::span(header.name).first(sizeof header.name - 1), name);
  tar::put_number(header.mode, 0600);
  tar::put_number(header.mtime, mtime_s);
  return tar::sealed(header);
}

std::optional<uint64_t> positive(std::span<const char> field) {
  const std::optional<int64_t> number = tar::number_in(field);
  return number && *number >= 0 ? std::optional<uint64_t>(*number) : std::nullopt;
}

// Of a block that holds one record, by which everything is said that a header cannot.
std::optional<uint64_t> size_of_pax_record(std::string_view record) {
  const Result<tar::PaxRecords> records = tar::parse_pax(record);
  if (!records || !records->contains("size")) return {};
  return parse_decimal(records->at("size"));
}

Error corrupt() {
  return Error(ErrorClass::corrupt, "the export is damaged, or none of appshot's")
      .hint("export it again");
}

}  // namespace

std::string tar_header(const TarMember& member) {
  if (member.size <= tar::kPlainSizeMax)
    return block(member.name, member.size, member.mtime_s, kRegularType);
  const std::string record = tar::pax_text({{"size", std::to_string(member.size)}});
  std::string header = block(tar::kPaxName, record.size(), member.mtime_s, tar::kPaxType);
  header += record + std::string(tar::padding_of(record.size()), '\0');
  return header + block(member.name, tar::kPlainSizeMax, member.mtime_s, kRegularType);
}

Result<TarMember> read_tar_header(const ReadFully& read) {
  std::string bytes;
  auto next_block = [&]() -> Result<std::span<const char>> {
    bytes.resize(bytes.size() + tar::kBlock);
    std::span<char> place(bytes.data() + bytes.size() - tar::kBlock, tar::kBlock);
    TRY(read(place));
    return std::span<const char>(place);
  };
  tar::Header header;
  std::memcpy(&header, TRY(next_block()).data(), sizeof header);
  std::optional<uint64_t> pax_size;
  if (header.type == tar::kPaxType) {
    const std::optional<uint64_t> length = positive(header.size);
    if (!length || *length > tar::kBlock) return corrupt();
    const std::span<const char> record = TRY(next_block());
    pax_size = size_of_pax_record({record.data(), *length});
    if (!pax_size) return corrupt();
    std::memcpy(&header, TRY(next_block()).data(), sizeof header);
  }
  const std::optional<uint64_t> size = positive(header.size), mtime = positive(header.mtime);
  if (!size || !mtime || *mtime > kMtimeMax) return corrupt();
  TarMember member{std::string(tar::text_in(header.name)), pax_size.value_or(*size), *mtime};
  if (tar_header(member) != bytes) return corrupt();
  return member;
}

}  // namespace appshot::image
