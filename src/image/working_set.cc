#include "image/working_set.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstring>
#include <set>

#include "image/format.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr char kWorkingSetMagic[8] = {'A', 'S', 'W', 'O', 'R', 'K', '0', '1'};
constexpr char kPartialName[] = "working-set.partial";
constexpr size_t kBlocksMax = 1024;  // 256 MiB

struct Header {
  char magic[8];
  uint64_t hash;  // XXH3 of the rest: block numbers of 32 bits
};

}  // namespace

std::vector<uint32_t> read_working_set(const std::string& folder, uint64_t blocks) {
  const std::string text = read_file(folder + "/" + kWorkingSetName).value_or("");
  Header header{};
  if (text.size() < sizeof header) return {};
  std::memcpy(&header, text.data(), sizeof header);
  const char* body = text.data() + sizeof header;
  const size_t length = text.size() - sizeof header;
  if (std::memcmp(header.magic, kWorkingSetMagic, sizeof kWorkingSetMagic) != 0 ||
      length % sizeof(uint32_t) != 0 || length > kBlocksMax * sizeof(uint32_t) ||
      XXH3_64bits(body, length) != header.hash)
    return {};
  std::vector<uint32_t> found(length / sizeof(uint32_t));
  if (length > 0) std::memcpy(found.data(), body, length);
  std::erase_if(found, [&](uint32_t block) { return block >= blocks; });
  return merged_working_set({}, found);
}

Result<> write_working_set(int folder, const std::vector<uint32_t>& blocks) {
  const size_t length = blocks.size() * sizeof(uint32_t);
  Header header{};
  std::memcpy(header.magic, kWorkingSetMagic, sizeof kWorkingSetMagic);
  header.hash = XXH3_64bits(blocks.data(), length);
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  text.append(reinterpret_cast<const char*>(blocks.data()), length);
  UniqueFd file = TRY(open_at(folder, kPartialName, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  TRY(write_all(file.get(), text));
  TRY_SYS(::renameat(folder, kPartialName, folder, kWorkingSetName));
  return {};
}

std::vector<uint32_t> merged_working_set(std::vector<uint32_t> known,
                                         const std::vector<uint32_t>& asked_for) {
  std::set<uint32_t> there(known.begin(), known.end());
  for (uint32_t block : asked_for)
    if (known.size() < kBlocksMax && there.insert(block).second) known.push_back(block);
  return known;
}

}  // namespace appshot::image
