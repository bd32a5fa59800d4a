#include "restore/room_here.h"

#include <sys/resource.h>

#include "base/size.h"
#include "image/manifest.h"
#include "os/file.h"
#include "restore/file_mappings.h"
#include "restore/late_files.h"
#include "restore/memory_layout.h"
#include "restore/own_parts.h"
#include "restore/restore_plan.h"

namespace appshot {
namespace {

constexpr const char* kMappingsMax = "/proc/sys/vm/max_map_count";
constexpr const char* kInstead = "; a snapshot that lets it run on can be taken";

// As memory is on its way, that of all processes is in one.
Result<> refuse_too_many_mappings(const image::ImageT& image) {
  constexpr size_t kOurs = 200;
  size_t windows = kOurs;
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      windows += has_window(image, *process, *mapping);
  }
  const size_t max = std::strtoull(TRY(read_file(kMappingsMax)).c_str(), nullptr, 10);
  if (windows <= max) return {};
  return Error(ErrorClass::refused, "a restore of it takes up to " + std::to_string(windows) +
                                        " mappings at once, here at most " + std::to_string(max) +
                                        " can be")
      .hint("raise vm.max_map_count (sysctl)" + std::string(kInstead));
}

// The same that is refused at a restore, while there is still something to be done about it.
Result<> refused_now(Result<> at_restore) {
  if (at_restore) return {};
  Error error = at_restore.take_error();
  std::string hint = error.hint() + kInstead;
  return std::move(error).as(ErrorClass::refused).hint(std::move(hint));
}

}  // namespace

Result<> refuse_too_many_descriptors(const image::ImageT& image) {
  constexpr size_t kOurs = 64;
  const LateFiles late(image, first_free_descriptor(image));
  const FileMappings files(image, OwnParts(image, late).end() + 2);
  rlimit here{};
  TRY_SYS(::getrlimit(RLIMIT_NOFILE, &here));
  const size_t needed = static_cast<size_t>(files.end()) + image.open_files.size() +
                        image.shared_memory.size() + image.ghosts.size() + kOurs;
  if (needed <= here.rlim_max) return {};
  return Error(ErrorClass::mismatch, "a restore of it takes up to " + std::to_string(needed) +
                                         " descriptors at once, here at most " +
                                         std::to_string(here.rlim_max) + " can be open")
      .hint("start appshotd with a higher limit (ulimit -Hn, or LimitNOFILE in its unit)");
}

Result<> refuse_more_memory_than(int64_t limit_bytes, const image::ImageT& image) {
  const auto needed = static_cast<int64_t>(image::memory_bytes(image));
  if (limit_bytes == 0 || needed <= limit_bytes) return {};
  return Error(ErrorClass::exhausted, "a restore of it takes " + size_text(needed) +
                                          " of memory, its limit is " + size_text(limit_bytes))
      .hint("what processes share since a fork is each one's own after a restore");
}

Result<> refuse_what_cannot_be_restored_here(const image::ImageT& image, int64_t memory_max_bytes) {
  TRY(refused_now(refuse_too_many_descriptors(image)));
  TRY(refused_now(refuse_more_memory_than(memory_max_bytes, image)));
  return refuse_too_many_mappings(image);
}

}  // namespace appshot
