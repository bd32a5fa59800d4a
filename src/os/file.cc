#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace appshot {

Result<UniqueFd> open_at(int dir, const std::string& path, int flags, mode_t mode) {
  int fd = ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return Error::from_errno(errno, "open " + path);
  return UniqueFd(fd);
}

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_at(AT_FDCWD, path, flags, mode);
}

namespace {

Result<size_t> read_once(int fd, char* into, size_t size) {
  for (;;) {
    ssize_t got = ::read(fd, into, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return Error::from_errno(errno, "read");
  }
}

}  // namespace

Result<std::string> read_whole(int fd) {
  std::string content;
  size_t used = 0;
  struct stat info {};
  const bool sized = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
  content.resize(sized ? static_cast<size_t>(info.st_size) + 1 : 4096);
  for (;;) {
    if (used == content.size()) content.resize(content.size() * 2);
    size_t got = TRY(read_once(fd, content.data() + used, content.size() - used));
    if (got == 0) break;
    used += got;
  }
  content.resize(used);
  return content;
}

Result<std::string> read_record_at(int dir, const std::string& path) {
  UniqueFd fd = TRY(open_at(dir, path, O_RDONLY));
  std::array<char, 4096> buffer;
  size_t got = TRY(read_once(fd.get(), buffer.data(), buffer.size()).within(path));
  std::string content(buffer.data(), got);
  if (got == buffer.size()) content += TRY(read_whole(fd.get()).within(path));
  return content;
}

Result<std::string> read_file_at(int dir, const std::string& path) {
  UniqueFd fd = TRY(open_at(dir, path, O_RDONLY));
  return read_whole(fd.get()).within(path);
}

Result<std::string> read_file(const std::string& path) { return read_file_at(AT_FDCWD, path); }

Result<std::string> read_link_at(int dir, const std::string& path) {
  std::array<char, 4096> target;
  ssize_t length = ::readlinkat(dir, path.c_str(), target.data(), target.size());
  if (length < 0) return Error::from_errno(errno, "readlink " + path);
  return std::string(target.data(), static_cast<size_t>(length));
}

Result<std::string> read_link(const std::string& path) { return read_link_at(AT_FDCWD, path); }

Result<> write_all(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::from_errno(errno, "write");
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

Result<> write_all_at(int fd, std::span<const char> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::from_errno(errno, "write");
    bytes = bytes.subspan(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return {};
}

Result<> write_file(const std::string& path, std::string_view content, int extra_flags) {
  UniqueFd fd = TRY(open_file(path, O_WRONLY | extra_flags, 0600));
  return write_all(fd.get(), {content.data(), content.size()}).within(path);
}

Result<> make_folders(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return Error::from_errno(errno, "mkdir " + path);
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return Error::from_errno(ENOENT, "mkdir " + path);
  TRY(make_folders(path.substr(0, slash), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return Error::from_errno(errno, "mkdir " + path);
  return {};
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  return list_folder_at(AT_FDCWD, path);
}

// By hand, because readdir asks the kernel five times for a folder of three names.
Result<std::vector<std::string>> list_folder_at(int dir, const std::string& path) {
  UniqueFd folder = TRY(open_at(dir, path, O_RDONLY | O_DIRECTORY));
  std::vector<std::string> names;
  alignas(dirent64) std::array<char, 8192> buffer;
  for (;;) {
    ssize_t got = ::getdents64(folder.get(), buffer.data(), buffer.size());
    if (got < 0) return Error::from_errno(errno, "getdents64 " + path);
    if (got == 0) return names;
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      at += entry->d_reclen;
    }
  }
}

Result<> sync_files(const std::string& folder) {
  for (const std::string& name : TRY(list_folder(folder))) {
    UniqueFd file = TRY(open_file(folder + "/" + name, O_RDONLY));
    if (::fdatasync(file.get()) != 0)
      return Error::from_errno(errno, "fdatasync " + folder + "/" + name);
  }
  return sync_names(folder);
}

Result<> sync_names(const std::string& folder) {
  UniqueFd opened = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(opened.get()) != 0) return Error::from_errno(errno, "fsync " + folder);
  return {};
}

std::string folder_around(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<> publish_folder(const std::string& partial, const std::string& final_path, Durable when) {
  if (when == Durable::now) TRY(sync_files(partial));
  if (::rename(partial.c_str(), final_path.c_str()) != 0)
    return Error::from_errno(errno, "rename " + partial + " to " + final_path);
  return when == Durable::now ? sync_names(folder_around(final_path)) : Result<>();
}

}  // namespace appshot
