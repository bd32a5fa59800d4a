#include "os/file_copy.h"

#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "os/file.h"

namespace appshot {
namespace {

constexpr off_t kPieceMax = 1 << 30;
constexpr size_t kAttributesMax = 65536;  // the kernel's limit for a list, and for a value

Result<> copy_piece(int from, int to, off_t begin, off_t end) {
  TRY_SYS(::lseek(to, begin, SEEK_SET));
  while (begin < end) {
    const ssize_t got = TRY_SYS(
        ::sendfile(to, from, &begin, static_cast<size_t>(std::min(kPieceMax, end - begin))));
    if (got == 0) return Error(ErrorClass::conflict, "it was cut while it was copied");
  }
  return {};
}

Result<> copy_content(int from, int to, off_t size) {
  TRY_SYS(::ftruncate(to, size));
  for (off_t end = 0; end < size;) {
    const off_t begin = ::lseek(from, end, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return {};  // the rest is a hole
    if (begin < 0) return Error::from_errno(errno, "lseek");
    end = TRY_SYS(::lseek(from, begin, SEEK_HOLE));
    TRY(copy_piece(from, to, begin, end));
  }
  return {};
}

Result<> copy_attributes(int from, int to) {
  std::vector<char> names(kAttributesMax), value(kAttributesMax);
  const ssize_t length = ::flistxattr(from, names.data(), names.size());
  if (length < 0 && errno == EOPNOTSUPP) return {};
  if (length < 0) return Error::from_errno(errno, "flistxattr");
  for (const char* name = names.data(); name < names.data() + length;
       name += std::string_view(name).size() + 1) {
    const ssize_t size = ::fgetxattr(from, name, value.data(), value.size());
    if (size < 0) return Error::from_errno(errno, std::string("fgetxattr ") + name);
    if (::fsetxattr(to, name, value.data(), static_cast<size_t>(size), 0) != 0)
      return Error::from_errno(errno, std::string("fsetxattr ") + name);
  }
  return {};
}

}  // namespace

// In this order: a new owner or content takes capabilities away, and all of it changes the times.
Result<> copy_file(int from, int to) {
  struct stat info {};
  TRY_SYS(::fstat(from, &info));
  TRY(copy_content(from, to, info.st_size));
  TRY_SYS(::fchown(to, info.st_uid, info.st_gid));
  TRY_SYS(::fchmod(to, info.st_mode & 07777));
  TRY(copy_attributes(from, to));
  const timespec times[2] = {info.st_atim, info.st_mtim};
  TRY_SYS(::futimens(to, times));
  return {};
}

}  // namespace appshot
