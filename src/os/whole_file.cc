#include "os/whole_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/file.h"

namespace appshot {

Result<WholeFile> WholeFile::create(const std::string& path) {
  const std::string partial = path + ".partial";
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "unlink " + partial);
  return WholeFile(
      path, TRY(open_file(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)));
}

WholeFile::WholeFile(WholeFile&& other) noexcept
    : path_(std::exchange(other.path_, "")), fd_(std::move(other.fd_)) {}

WholeFile::~WholeFile() {
  if (!path_.empty()) ::unlink(partial().c_str());
}

Result<> WholeFile::publish() {
  if (::fsync(fd_.get()) != 0) return Error::from_errno(errno, "fsync " + partial());
  if (::rename(partial().c_str(), path_.c_str()) != 0)
    return Error::from_errno(errno, "rename " + partial());
  return sync_names(folder_around(std::exchange(path_, "")));
}

}  // namespace appshot
