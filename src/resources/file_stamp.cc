#include "resources/file_stamp.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/vfs.h>
#include <time.h>

#include <tuple>

namespace appshot {
namespace {

constexpr long kXfs = 0x58465342;

// Those that are told when a page is about to be written through a mapping, and note the time then.
bool notes_every_change(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) return false;
  return system.f_type == EXT4_SUPER_MAGIC || system.f_type == kXfs ||
         system.f_type == BTRFS_SUPER_MAGIC;
}

// The kernel gives a lease for reading when nobody has the file open for writing; a mapping that
// can be written counts as that. It is given back at once: who opens the file meanwhile waits as
// long.
bool nobody_writes(int fd) {
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0 || ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return false;
  return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

}  // namespace

FileStamp FileStamp::of(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), info.st_ctim.tv_sec,
          info.st_ctim.tv_nsec};
}

std::optional<FileStamp> FileStamp::take(int fd) {
  struct stat info {};
  timespec now{};
  if (!notes_every_change(fd) || ::fstat(fd, &info) != 0 || !nobody_writes(fd)) return {};
  // The clock that files get their times from. Those without fractions are of seconds only.
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (info.st_ctim.tv_nsec == 0) now = {now.tv_sec - 2, 0};
  if (std::tie(info.st_ctim.tv_sec, info.st_ctim.tv_nsec) >= std::tie(now.tv_sec, now.tv_nsec))
    return {};
  return of(info);
}

}  // namespace appshot
