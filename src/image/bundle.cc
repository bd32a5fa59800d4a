#include "image/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_parts.h"
#include "image/shared_pages.h"
#include "image/summary.h"
#include "image/tar.h"
#include "os/file.h"
#include "tar/header.h"

namespace appshot::image {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;
constexpr uint64_t kMillisecondsPerSecond = 1000;

Error corrupt(const std::string& why) {
  return Error(ErrorClass::corrupt, "the export " + why)
      .hint("it was changed, cut short or is none of appshot's; export it again");
}

Result<> export_manifest(const ImageT& image, uint64_t mtime_s, const WriteBytes& write) {
  const std::vector<char> bytes = encode_manifest(image);
  TRY(write(tar_header({kManifestName, bytes.size(), mtime_s})));
  TRY(write(bytes));
  return write(std::string(tar::padding_of(bytes.size()), '\0'));
}

Result<> export_part(const std::string& folder, const PagesPartT& part, const WriteBytes& write) {
  UniqueFd file = TRY(open_pages_file(folder + "/" + part.file));
  std::vector<char> buffer(kBufferBytes);
  uint64_t at = part.position, left = part.length;
  while (left > 0) {
    auto got = static_cast<uint64_t>(
        TRY_SYS(::pread(file.get(), buffer.data(), std::min<uint64_t>(left, buffer.size()),
                        static_cast<off_t>(at))));
    if (got == 0) return Error(ErrorClass::corrupt, part.file + " was cut short while it was read");
    TRY(write({buffer.data(), static_cast<size_t>(got)}));
    at += got;
    left -= got;
  }
  return {};
}

// One file, whatever the image shares with those before it, and nothing in it that only they need.
Result<> export_pages(const std::string& folder, const PagesParts& taken, uint64_t mtime_s,
                      const WriteBytes& write) {
  uint64_t size = 0;
  for (const auto& part : taken) size += part->length;
  TRY(write(tar_header({kPagesName, size, mtime_s})));
  for (const auto& part : taken) TRY(export_part(folder, *part, write));
  return write(std::string(tar::padding_of(size), '\0'));
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
  TRY(take_zeros(read, tar::padding_of(member.size)));
  return {};
}

}  // namespace

Result<> export_bundle(const std::string& folder, const WriteBytes& write) {
  TRY(verify_image(folder));
  ImageT image = TRY(read_manifest(folder));
  CompactParts compacted = compact(image.pages, all_runs(image));
  image.pages = std::move(compacted.parts);
  uint64_t mtime_s = std::min(image.created_ms / kMillisecondsPerSecond, tar::kPlainSizeMax);
  TRY(export_manifest(image, mtime_s, write));
  TRY(export_pages(folder, compacted.taken, mtime_s, write));
  return write(tar::end_of_archive());
}

Result<> import_bundle(const std::string& folder, const ReadBytes& read) {
  for (const char* name : {kManifestName, kPagesName}) TRY(import_file(folder, name, read));
  TRY(take_zeros(read, tar::end_of_archive().size()));
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
