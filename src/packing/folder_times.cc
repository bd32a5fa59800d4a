#include "packing/folder_times.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "os/file.h"

namespace appshot::packing {
namespace {

// Folders come with their type, so that files need not be looked at.
Result<std::vector<std::string>> folders_in(int folder) {
  std::vector<std::string> names;
  alignas(dirent64) std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t got = TRY_SYS(::getdents64(folder, buffer.data(), buffer.size()));
    if (got == 0) return names;
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      const std::string_view name = entry->d_name;
      const bool may_be = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
      if (may_be && name != "." && name != "..") names.emplace_back(name);
      at += entry->d_reclen;
    }
  }
}

Result<> visit(int folder, const std::unordered_map<ino_t, Time>& times) {
  for (const std::string& name : TRY(folders_in(folder))) {
    Result<UniqueFd> below = open_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!below && below.error().err() == ENOTDIR) continue;
    TRY(visit(TRY(std::move(below)).get(), times));
  }
  struct stat info {};
  TRY_SYS(::fstat(folder, &info));
  const auto found = times.find(info.st_ino);
  if (found == times.end()) return {};
  const timespec set[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                           {.tv_sec = found->second.s, .tv_nsec = found->second.ns}};
  TRY_SYS(::futimens(folder, set));
  return {};
}

}  // namespace

Result<> set_folder_times(int root, const std::unordered_map<ino_t, Time>& times) {
  if (times.empty()) return {};
  const UniqueFd again = TRY(open_at(root, ".", O_RDONLY | O_DIRECTORY));
  return visit(again.get(), times).within("the times of folders");
}

}  // namespace appshot::packing
