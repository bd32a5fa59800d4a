// By what it can be told, without reading a file, that its content has not changed since: any write
// sets the time of its last change. Taken while nothing of the application runs, or a write that
// has set the time might still be under way.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace appshot {

struct FileStamp {
  uint64_t device, inode, size;
  int64_t changed_s, changed_ns;
  bool operator==(const FileStamp&) const = default;

  static FileStamp of(const struct stat& info);
  // Of a file that is open for reading. None where a change might not show: somebody may write it
  // through a mapping, which sets the time only once; the clock has not ticked since it was
  // changed last; or the file system does not do all this.
  static std::optional<FileStamp> take(int fd);
};

}  // namespace appshot
