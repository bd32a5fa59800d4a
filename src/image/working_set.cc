#include "image/working_set.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "os/file.h"

namespace appshot::image {
namespace {

constexpr char kWorkingSetMagic[8] = {'A', 'S', 'W', 'O', 'R', 'K', '0', '2'};
constexpr char kPartialName[] = "working-set.partial";
constexpr size_t kPagesMax = 1024;

struct Header {
  char magic[8];
  uint64_t hash;  // XXH3 of the rest: pid and address of each page, 64 bits each
};

}  // namespace

WorkingSet read_working_set(const std::string& folder) {
  const std::string text = read_file(folder + "/" + kWorkingSetName).value_or("");
  Header header{};
  if (text.size() < sizeof header) return {};
  std::memcpy(&header, text.data(), sizeof header);
  const char* body = text.data() + sizeof header;
  const size_t length = text.size() - sizeof header;
  if (std::memcmp(header.magic, kWorkingSetMagic, sizeof kWorkingSetMagic) != 0 ||
      length % sizeof(AskedPage) != 0 || length > kPagesMax * sizeof(AskedPage) ||
      XXH3_64bits(body, length) != header.hash)
    return {};
  WorkingSet found(length / sizeof(AskedPage));
  if (length > 0) std::memcpy(found.data(), body, length);
  return merged_working_set(found, {});
}

Result<> write_working_set(int folder, const WorkingSet& set) {
  const size_t length = set.size() * sizeof(AskedPage);
  Header header{};
  std::memcpy(header.magic, kWorkingSetMagic, sizeof kWorkingSetMagic);
  header.hash = XXH3_64bits(set.data(), length);
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  text.append(reinterpret_cast<const char*>(set.data()), length);
  UniqueFd file = TRY(open_at(folder, kPartialName, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  TRY(write_all(file.get(), text));
  TRY_SYS(::renameat(folder, kPartialName, folder, kWorkingSetName));
  return {};
}

WorkingSet merged_working_set(const WorkingSet& known, const WorkingSet& asked_for) {
  const size_t room = kPagesMax - std::min(kPagesMax, asked_for.size());
  WorkingSet merged;
  std::set<AskedPage> there;
  auto take = [&](const WorkingSet& set, size_t most) {
    for (const AskedPage& page : set)
      if (merged.size() < most && there.insert(page).second) merged.push_back(page);
  };
  take(known, room);
  take(asked_for, kPagesMax);
  return merged;
}

}  // namespace appshot::image
