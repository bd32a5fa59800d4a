#include "resources/page_copy.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "image/format.h"

namespace appshot {
namespace {

using image::kPageSize;

bool is_zero_page(const char* page) {
  uint64_t first;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + 8, kPageSize - 8) == 0;
}

void append_run(std::vector<image::PageRun>& runs, uint64_t address, uint64_t length,
                uint64_t offset) {
  if (!runs.empty()) {
    const image::PageRun& last = runs.back();
    if (last.address() + last.length() == address && last.offset() + last.length() == offset) {
      runs.back() = image::PageRun(last.address(), last.length() + length, last.offset());
      return;
    }
  }
  runs.emplace_back(address, length, offset);
}

}  // namespace

// The writer's room holds `bytes` (whole pages) that belong at `address`: squeezes out zero pages,
// notes the runs, and hands the rest over.
Result<> PageCopy::keep(uint64_t address, size_t bytes) {
  char* const base = pages.room().data();
  size_t kept = 0;
  for (size_t at = 0; at < bytes; at += kPageSize) {
    if (drop_zeros && is_zero_page(base + at)) continue;
    if (kept != at) std::memmove(base + kept, base + at, kPageSize);
    append_run(runs, address + at, kPageSize, pages.offset() + kept);
    kept += kPageSize;
  }
  return pages.commit(kept);
}

Result<> PageCopy::from_process(const RemoteMemory& memory, uint64_t start, uint64_t end) {
  while (start < end) {
    std::span<char> room = pages.room();
    size_t wanted = std::min<uint64_t>(room.size(), end - start);
    Result<size_t> got = memory.read_some(start, room.first(wanted));
    size_t usable = got ? *got / kPageSize * kPageSize : 0;
    if (usable == 0) {
      // A protection is in the way; the slow path honours none.
      usable = kPageSize;
      TRY(memory.read(start, room.first(usable)));
    }
    TRY(keep(start, usable));
    start += usable;
  }
  return {};
}

Result<> PageCopy::from_file(int fd, uint64_t size) {
  uint64_t at = 0;
  while (at < size) {
    off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};
    if (data < 0) return Error::from_errno(errno, "lseek(SEEK_DATA)");
    at = static_cast<uint64_t>(data) / kPageSize * kPageSize;
    off_t hole = ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return Error::from_errno(errno, "lseek(SEEK_HOLE)");
    uint64_t end =
        std::min<uint64_t>((static_cast<uint64_t>(hole) + kPageSize - 1) / kPageSize * kPageSize,
                           (size + kPageSize - 1) / kPageSize * kPageSize);
    while (at < end) {
      std::span<char> room = pages.room();
      size_t wanted = std::min<uint64_t>(room.size(), end - at);
      ssize_t got = ::pread(fd, room.data(), wanted, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error::from_errno(errno, "reading a file's content");
      if (got == 0) return {};
      // The last page of a file is filled up; the file's size tells where it really ends.
      size_t whole = (static_cast<size_t>(got) + kPageSize - 1) / kPageSize * kPageSize;
      std::memset(room.data() + got, 0, whole - static_cast<size_t>(got));
      TRY(keep(at, whole));
      at += whole;
    }
  }
  return {};
}

}  // namespace appshot
