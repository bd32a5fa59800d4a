// The manifest file: written whole, read whole, believed only after its checksum, its structure and
// its references have been verified.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::image {

std::vector<char> encode_manifest(const ImageT& image);
Result<ImageT> decode_manifest(std::span<const char> bytes);

// Of the processes, as far as it is kept: without pages of zeros and what is as in its file.
uint64_t memory_bytes(const ImageT& image);

Result<> write_manifest(const std::string& folder, const ImageT& image);
Result<ImageT> read_manifest(const std::string& folder);

// That every reference in it leads somewhere and every number is possible; see verify.cc.
Result<> verify_references(const ImageT& image);

}  // namespace appshot::image
