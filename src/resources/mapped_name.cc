#include "resources/mapped_name.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "isolation/host_mounts.h"
#include "os/file.h"
#include "resources/file_names.h"

namespace appshot {
namespace {

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool is_on_overlay(const std::string& path) {
  struct statfs system {};
  return ::statfs(path.c_str(), &system) == 0 && system.f_type == OVERLAYFS_SUPER_MAGIC;
}

// Whether a mapping of what the path leads to is one of that file: then we are told the same of it.
bool maps_to(const std::string& path, const struct stat& info) {
  const Result<UniqueFd> file = open_file(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat named {};
  if (!file || ::fstat(file->get(), &named) != 0 || !S_ISREG(named.st_mode)) return false;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* mapped = ::mmap(nullptr, page, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (mapped == MAP_FAILED) return false;
  const auto start = reinterpret_cast<uintptr_t>(mapped);
  struct stat told {};
  const bool same =
      ::stat(fmt::format("/proc/self/map_files/{:x}-{:x}", start, start + page).c_str(), &told) ==
          0 &&
      is_same(told, info);
  ::munmap(mapped, page);
  return same;
}

}  // namespace

Result<std::optional<MappedName>> find_mapped_name(const CaptureContext& context,
                                                   const std::string& path, const std::string& link,
                                                   const struct stat& info, uint64_t mount) {
  const std::string& root = context.instance.root;
  MappedName name{link, info, mount};
  if (::lstat((root + link).c_str(), &name.info) == 0 && is_same(name.info, info))
    return std::optional<MappedName>();  // as nearly always
  if (context.instance.layers.empty() || !S_ISREG(info.st_mode) || !is_on_overlay(path))
    return std::optional<MappedName>();
  for (const std::string& layer : TRY(list_folder(context.instance.layers))) {
    const std::string point = layer_mount_point(layer);
    name.link = (point == "/" ? "" : point) + link;
    if (!maps_to(root + name.link, info)) continue;
    TRY_SYS(::lstat((root + name.link).c_str(), &name.info));
    name.mount = TRY(mount_if_needed(context, root + name.link));
    return std::optional(name);
  }
  return std::optional<MappedName>();
}

}  // namespace appshot
