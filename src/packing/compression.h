// gzip and zstd, as streams around streams.
#pragma once

#include <memory>

#include "packing/streams.h"

namespace appshot::packing {

enum class Compression { none, gzip, zstd };

// Of bytes that nobody has looked at: what is damaged or ends early is corrupt. Several gzip
// members or zstd frames in a row are one stream, as their own tools have it.
std::unique_ptr<Source> decompressed(Source& from, Compression how);

// The same bytes give the same bytes. finish() ends the stream, and the one behind it.
std::unique_ptr<Sink> compressed(Sink& to, Compression how);

}  // namespace appshot::packing
