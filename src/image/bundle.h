// An image as one stream of bytes: for export, import and sending to another machine.
//
//   header   "APPSHOTB", version (u32), number of files (u32)
//   a file   length of its name (u32), length of its content (u64), name, content
//   trailer  XXH3-64 of everything before it (u64)
//
// Integers are little endian. Only the files that an image consists of are accepted, so that no
// name from outside ever reaches the file system.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"

namespace appshot::image {

using WriteBytes = std::function<Result<>(std::span<const char> bytes)>;
using ReadBytes = std::function<Result<size_t>(std::span<char> bytes)>;  // 0: the end

Result<> export_bundle(const std::string& folder, const WriteBytes& write);

// Into an existing empty folder. Durable and verified to the last byte when it returns; what it has
// written when it fails is the caller's to remove.
Result<> import_bundle(const std::string& folder, const ReadBytes& read);

// Manifest, references and every block of the pages.
Result<> verify_folder(const std::string& folder);

}  // namespace appshot::image
