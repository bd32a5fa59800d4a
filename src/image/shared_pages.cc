#include "image/shared_pages.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_parts.h"
#include "os/file.h"

namespace appshot::image {
namespace {

struct Range {
  uint64_t start, end;
};

Result<> add_needed(const PagesName& of, std::vector<Range>& needed) {
  const ImageT image = TRY(read_manifest(of.folder));
  for (const auto& part : compact(image.pages, all_runs(image)).taken)
    if (part->file == of.name) needed.push_back({part->position, part->position + part->length});
  return {};
}

uint64_t bytes_on_disk(const struct stat& info) {
  constexpr uint64_t kUnit = 512;
  return static_cast<uint64_t>(info.st_blocks) * kUnit;
}

}  // namespace

Result<UniqueFd> open_pages_file(const std::string& path) {
  UniqueFd file = TRY(open_file(path, O_RDONLY));
  while (::flock(file.get(), LOCK_SH) != 0)
    if (errno != EINTR) return Error::from_errno(errno, "flock " + path);
  return file;
}

// A snapshot that is taken meanwhile needs nothing that the one before it does not need, and has
// its links, which are counted, before that one can go.
Result<uint64_t> give_back_unneeded(const std::vector<PagesName>& names) {
  if (names.empty()) return uint64_t{0};
  const std::string path = names.front().folder + "/" + names.front().name;
  const UniqueFd file = TRY(open_file(path, O_RDWR));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return uint64_t{0};
  struct stat before {};
  TRY_SYS(::fstat(file.get(), &before));
  if (before.st_nlink != names.size()) return uint64_t{0};
  std::vector<Range> needed;
  for (const PagesName& name : names) TRY(add_needed(name, needed).within(name.folder));
  const auto size = static_cast<uint64_t>(before.st_size);
  needed.push_back({size, size});
  std::ranges::sort(needed, {}, &Range::start);
  uint64_t at = 0;
  for (const Range& range : needed) {
    if (range.start > at)
      TRY_SYS(::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(at), static_cast<off_t>(range.start - at)));
    at = std::max(at, range.end);
  }
  struct stat after {};
  TRY_SYS(::fstat(file.get(), &after));
  return bytes_on_disk(before) - std::min(bytes_on_disk(before), bytes_on_disk(after));
}

}  // namespace appshot::image
