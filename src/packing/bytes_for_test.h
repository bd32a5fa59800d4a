// Bytes in memory as a source and a sink.
#pragma once

#include <algorithm>
#include <string>

#include "packing/streams.h"

namespace appshot::packing {

// Gives at most `piece` bytes at once: what comes in pieces is put together rightly.
class BytesSource : public Source {
 public:
  explicit BytesSource(std::string bytes, size_t piece = SIZE_MAX)
      : bytes_(std::move(bytes)), piece_(piece) {}
  Result<size_t> read(std::span<char> into) override {
    const size_t size = std::min({into.size(), bytes_.size() - at_, piece_});
    std::copy_n(bytes_.data() + at_, size, into.data());
    at_ += size;
    return size;
  }

 private:
  std::string bytes_;
  size_t piece_;
  size_t at_ = 0;
};

class BytesSink : public Sink {
 public:
  Result<> write(std::span<const char> bytes) override {
    bytes_.append(bytes.data(), bytes.size());
    return {};
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

inline Result<std::string> read_all(Source& source, size_t piece = 4096) {
  std::string bytes, buffer(piece, '\0');
  for (;;) {
    const size_t got = TRY(source.read(buffer));
    if (got == 0) return bytes;
    bytes.append(buffer, 0, got);
  }
}

}  // namespace appshot::packing
