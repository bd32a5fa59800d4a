#include "harness/frozen_files.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/fault.h"
#include "os/file.h"
#include "resources/layers/layers.h"

namespace appshot {
namespace {

constexpr uint64_t kFewBytes = 1 << 20;
constexpr size_t kFewFiles = 200;

bool are_few(const image::ImageT& image) {
  uint64_t bytes = 0;
  size_t files = 0;
  for (const auto& file : image.private_files) {
    if (!file->path.starts_with(layers::kLayers)) continue;
    ++files;
    if (file->ghost >= 0) bytes += image.ghosts[static_cast<size_t>(file->ghost)]->size;
  }
  return bytes <= kFewBytes && files <= kFewFiles;
}

// What is mapped by who has mounts of his own is found by its name only where the host's files are
// seen through one overlay: a layer that lies among them makes it two (isolation/lower_files).
bool has_mounts_of_its_own(const image::ImageT& image) {
  return std::ranges::any_of(image.namespaces,
                             [](const auto& space) { return space->kind == "mnt"; });
}

}  // namespace

Result<std::string> lay_out_frozen_files(const OpenedImage& image, const std::string& folder,
                                         const LowerView& lower) {
  if (folder.empty() || are_few(image.manifest) || has_mounts_of_its_own(image.manifest))
    return std::string();
  if (::access(folder.c_str(), F_OK) == 0) return folder;
  const std::string partial = folder + ".partial-" + std::to_string(::getpid());
  const auto lay_out = [&]() -> Result<> {
    TRY(layers::restore_layers(image.manifest, image.pages, partial, lower));
    TRY(fault_point("clone.frozen"));
    if (::rename(partial.c_str(), folder.c_str()) == 0) return {};
    return Error::from_errno(errno, "rename " + partial + " to " + folder);
  };
  Result<> laid_out = lay_out();
  if (laid_out) return folder;
  (void)remove_tree(partial);
  const int why = laid_out.error().err();
  if (why == EEXIST || why == ENOTEMPTY) return folder;  // somebody else was quicker
  return std::move(laid_out).within("files of the template").take_error();
}

}  // namespace appshot
