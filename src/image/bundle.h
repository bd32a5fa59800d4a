// An image as one stream of bytes, for export, import and sending to another machine: a tar archive
// of exactly `manifest` and `pages`, in that order (docs/image-format.md). Only these names are
// accepted, so that no name from outside ever reaches the file system.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"

namespace appshot::image {

using WriteBytes = std::function<Result<>(std::span<const char> bytes)>;
using ReadBytes = std::function<Result<size_t>(std::span<char> bytes)>;  // 0: the end

// Verifies the image before the first byte is written: what is damaged is not passed on.
Result<> export_bundle(const std::string& folder, const WriteBytes& write);

// Into an existing empty folder. Durable and verified to the last byte when it returns; what it has
// written when it fails is the caller's to remove.
Result<> import_bundle(const std::string& folder, const ReadBytes& read);

// The same to and from a descriptor. read_bundle makes `folder` appear whole, by a rename, or not
// at all; it must not exist.
Result<> write_bundle(const std::string& folder, int fd);
Result<> read_bundle(int fd, const std::string& folder);

// Manifest, references and every block of the pages.
Result<> verify_folder(const std::string& folder);

}  // namespace appshot::image
