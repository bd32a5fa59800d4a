// Bytes on their way: from a descriptor, through decompression, past a sum; and back.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "packing/sha256.h"

namespace appshot::packing {

inline constexpr size_t kPieceBytes = 256 * 1024;

class Source {
 public:
  virtual ~Source() = default;
  // As many as there are at once; 0: the end.
  virtual Result<size_t> read(std::span<char> into) = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<> write(std::span<const char> bytes) = 0;
  // What is still held back; nothing is written afterwards.
  virtual Result<> finish() { return {}; }
};

// Told how many bytes have just come or gone.
using Moved = std::function<void(size_t bytes)>;

// Borrows the descriptor.
class FdSource : public Source {
 public:
  FdSource(int fd, Moved moved) : fd_(fd), moved_(std::move(moved)) {}
  Result<size_t> read(std::span<char> into) override;

 private:
  int fd_;
  Moved moved_;
};

class FdSink : public Sink {
 public:
  FdSink(int fd, Moved moved) : fd_(fd), moved_(std::move(moved)) {}
  Result<> write(std::span<const char> bytes) override;

 private:
  int fd_;
  Moved moved_;
};

// Passes on what it reads, with its sum and length.
class SummedSource : public Source {
 public:
  explicit SummedSource(Source& from) : from_(from) {}
  Result<size_t> read(std::span<char> into) override;
  uint64_t bytes() const { return bytes_; }
  std::string digest() const { return sum_.digest(); }  // "sha256:…" of what was read so far

 private:
  Source& from_;
  Sha256 sum_;
  uint64_t bytes_ = 0;
};

// The same for writing; without a sink behind it the sum is all there is.
class SummedSink : public Sink {
 public:
  explicit SummedSink(Sink* to = nullptr) : to_(to) {}
  Result<> write(std::span<const char> bytes) override;
  Result<> finish() override { return to_ == nullptr ? Result<>() : to_->finish(); }
  uint64_t bytes() const { return bytes_; }
  std::string digest() const { return sum_.digest(); }

 private:
  Sink* to_;
  Sha256 sum_;
  uint64_t bytes_ = 0;
};

// Fills the span, or fewer at the end.
Result<size_t> read_full(Source& source, std::span<char> into);
// Reads to the end and throws away; more than `bytes_max` is an error.
Result<> drain(Source& source, uint64_t bytes_max);

}  // namespace appshot::packing
