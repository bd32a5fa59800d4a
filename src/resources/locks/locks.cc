#include "resources/locks/locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstring>
#include <sstream>

namespace appshot::locks {
namespace {

constexpr int64_t kToTheEnd = -1;

short lock_type(const char* text) {
  if (std::strcmp(text, "WRITE") == 0) return F_WRLCK;
  if (std::strcmp(text, "READ") == 0) return F_RDLCK;
  return F_UNLCK;
}

struct flock range_of(const image::LockT& lock) {
  struct flock range {};
  range.l_type = static_cast<short>(lock.type);
  range.l_whence = SEEK_SET;
  range.l_start = lock.start;
  range.l_len = lock.end == kToTheEnd ? 0 : lock.end - lock.start + 1;
  return range;
}

}  // namespace

// "lock:\t1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"
std::vector<std::unique_ptr<image::LockT>> parse(const std::string& fdinfo) {
  std::vector<std::unique_ptr<image::LockT>> locks;
  std::istringstream lines(fdinfo);
  for (std::string line; std::getline(lines, line);) {
    char kind[16] = {}, how[16] = {}, type[16] = {}, end[32] = {};
    long start = 0;
    if (std::sscanf(line.c_str(), "lock: %*d: %15s %15s %15s %*d %*s %ld %31s", kind, how, type,
                    &start, end) != 5)
      continue;
    auto lock = std::make_unique<image::LockT>();
    lock->kind = std::strcmp(kind, "POSIX") == 0    ? image::LockKind::posix
                 : std::strcmp(kind, "OFDLCK") == 0 ? image::LockKind::open_file
                 : std::strcmp(kind, "FLOCK") == 0  ? image::LockKind::flock
                                                    : image::LockKind::lease;
    lock->type = lock_type(type);
    lock->start = start;
    lock->end = std::strcmp(end, "EOF") == 0 ? kToTheEnd : std::atol(end);
    locks.push_back(std::move(lock));
  }
  return locks;
}

bool belongs_to_process(const image::LockT& lock) { return lock.kind == image::LockKind::posix; }

Result<> take(int fd, const image::LockT& lock) {
  if (lock.kind == image::LockKind::flock) {
    TRY_SYS(::flock(fd, (lock.type == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB));
    return {};
  }
  if (lock.kind == image::LockKind::lease) {
    TRY_SYS(::fcntl(fd, F_SETLEASE, lock.type));
    return {};
  }
  struct flock range = range_of(lock);
  TRY_SYS(::fcntl(fd, F_OFD_SETLK, &range));
  return {};
}

void plan(const image::ProcessT& process, CallList& calls, DataSpace& data) {
  for (const auto& descriptor : process.descriptors)
    for (const auto& lock : descriptor->locks)
      calls.add(SYS_fcntl, descriptor->fd, F_SETLK, data.put(range_of(*lock)));
}

}  // namespace appshot::locks
