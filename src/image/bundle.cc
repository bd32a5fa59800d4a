#include "image/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "image/format.h"
#include "image/summary.h"
#include "image/tar.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;
constexpr const char* kFiles[] = {kManifestName, kPagesName};
constexpr uint64_t kMillisecondsPerSecond = 1000;

Error corrupt(const std::string& why) {
  return Error(ErrorClass::corrupt, "the export " + why)
      .hint("it was changed, cut short or is none of appshot's; export it again");
}

Result<> export_file(const std::string& folder, const std::string& name, uint64_t mtime_s,
                     const WriteBytes& write) {
  UniqueFd file = TRY(open_file(folder + "/" + name, O_RDONLY));
  struct stat facts;
  TRY_SYS(::fstat(file.get(), &facts));
  uint64_t size = static_cast<uint64_t>(facts.st_size), left = size;
  TRY(write(tar_header({name, size, mtime_s})));
  std::vector<char> buffer(kBufferBytes);
  while (left > 0) {
    ssize_t got =
        TRY_SYS(::read(file.get(), buffer.data(), std::min<uint64_t>(left, buffer.size())));
    if (got == 0) return Error(ErrorClass::corrupt, name + " was cut short while it was read");
    TRY(write({buffer.data(), static_cast<size_t>(got)}));
    left -= static_cast<uint64_t>(got);
  }
  return write(std::string(tar_padding(size), '\0'));
}

Result<> take(const ReadBytes& read, std::span<char> bytes) {
  while (!bytes.empty()) {
    size_t got = TRY(read(bytes));
    if (got == 0) return corrupt("is cut short");
    bytes = bytes.subspan(got);
  }
  return {};
}

Result<> take_zeros(const ReadBytes& read, size_t count) {
  std::string zeros(count, '\1');
  TRY(take(read, zeros));
  if (zeros.find_first_not_of('\0') != std::string::npos) return corrupt("is damaged");
  return {};
}

Result<> import_file(const std::string& folder, const std::string& name, const ReadBytes& read) {
  TarMember member = TRY(read_tar_header([&](std::span<char> bytes) { return take(read, bytes); }));
  if (member.name != name) return corrupt("holds a file that is no part of an image");
  if (name == kManifestName && member.size > sizeof(ManifestHeader) + kManifestBytesMax)
    return corrupt("has a manifest of an impossible size");
  UniqueFd file = TRY(open_file(folder + "/" + name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  std::vector<char> buffer(kBufferBytes);
  for (uint64_t left = member.size; left > 0;) {
    std::span<char> part(buffer.data(), std::min<uint64_t>(left, buffer.size()));
    TRY(take(read, part));
    TRY(write_all(file.get(), part).within(name));
    left -= part.size();
  }
  TRY(take_zeros(read, tar_padding(member.size)));
  return {};
}

}  // namespace

Result<> export_bundle(const std::string& folder, const WriteBytes& write) {
  ImageSummary image = TRY(verify_image(folder));
  uint64_t mtime_s = std::min(image.created_ms / kMillisecondsPerSecond, kTarPlainSizeMax);
  for (const char* name : kFiles) TRY(export_file(folder, name, mtime_s, write));
  return write(tar_end());
}

Result<> import_bundle(const std::string& folder, const ReadBytes& read) {
  for (const char* name : kFiles) TRY(import_file(folder, name, read));
  TRY(take_zeros(read, tar_end().size()));
  char more;
  if (TRY(read({&more, 1})) != 0) return corrupt("goes on after its end");
  return verify_folder(folder);
}

Result<> write_bundle(const std::string& folder, int fd) {
  return export_bundle(folder, [fd](std::span<const char> bytes) { return write_all(fd, bytes); });
}

Result<> read_bundle(int fd, const std::string& folder) {
  std::string partial = folder + ".partial";
  TRY_SYS(::mkdir(partial.c_str(), 0700));
  Result<> imported = import_bundle(partial, [fd](std::span<char> bytes) -> Result<size_t> {
    for (;;) {
      ssize_t got = ::read(fd, bytes.data(), bytes.size());
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Error::from_errno(errno, "reading the export");
    }
  });
  if (imported) imported = publish_folder(partial, folder, Durable::now);
  if (!imported) (void)remove_tree(partial);
  return imported;
}

Result<> verify_folder(const std::string& folder) {
  TRY(verify_image(folder));
  return {};
}

}  // namespace appshot::image
