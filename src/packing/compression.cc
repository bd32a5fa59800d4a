#include "packing/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <vector>

namespace appshot::packing {
namespace {

constexpr int kGzip = 15 + 16;  // zlib's way to say: the largest window, with a header of gzip
constexpr int kGzipLevel = 6;
constexpr int kZstdLevel = 3;
// What zstd's own tool takes without being asked: 128 MiB of memory.
constexpr int kZstdWindowLogMax = 27;

Error damaged(const std::string& what) {
  return Error(ErrorClass::corrupt, "its compressed data is damaged: " + what);
}
Error ends_early() { return Error(ErrorClass::corrupt, "its compressed data ends early"); }

class PlainSource : public Source {
 public:
  explicit PlainSource(Source& from) : from_(from) {}
  Result<size_t> read(std::span<char> into) override { return from_.read(into); }

 private:
  Source& from_;
};

class GzipSource : public Source {
 public:
  explicit GzipSource(Source& from) : from_(from), input_(kPieceBytes) {
    ready_ = inflateInit2(&stream_, kGzip) == Z_OK;
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  Result<size_t> read(std::span<char> into) override {
    if (!ready_) return Error(ErrorClass::exhausted, "no memory to decompress");
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out == into.size()) {
      if (stream_.avail_in == 0 && !TRY(more())) return inside_ ? ends_early() : Result<size_t>(0);
      inside_ = true;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        inside_ = false;
        inflateReset(&stream_);
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return damaged(stream_.msg == nullptr ? "gzip" : stream_.msg);
      }
    }
    return into.size() - stream_.avail_out;
  }

 private:
  Result<bool> more() {
    const size_t got = TRY(from_.read(input_));
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
    return got != 0;
  }

  Source& from_;
  std::vector<char> input_;
  z_stream stream_{};
  bool ready_ = false;
  bool inside_ = true;  // an empty file is no gzip stream
};

class ZstdSource : public Source {
 public:
  explicit ZstdSource(Source& from)
      : from_(from), input_(kPieceBytes), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (context_) ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

  Result<size_t> read(std::span<char> into) override {
    if (!context_) return Error(ErrorClass::exhausted, "no memory to decompress");
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      // A frame may still hold back what has not fitted, so an end is one only when nothing comes.
      const bool fed = in_.pos < in_.size || TRY(more());
      if (!fed && !inside_) return size_t{0};
      const size_t before = in_.pos;
      const size_t left = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
      inside_ = left != 0;
      if (!fed && out.pos == 0 && in_.pos == before && inside_) return ends_early();
    }
    return out.pos;
  }

 private:
  Result<bool> more() {
    in_ = {input_.data(), TRY(from_.read(input_)), 0};
    return in_.size != 0;
  }

  Source& from_;
  std::vector<char> input_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool inside_ = true;
};

class PlainSink : public Sink {
 public:
  explicit PlainSink(Sink& to) : to_(to) {}
  Result<> write(std::span<const char> bytes) override { return to_.write(bytes); }
  Result<> finish() override { return to_.finish(); }

 private:
  Sink& to_;
};

class GzipSink : public Sink {
 public:
  explicit GzipSink(Sink& to) : to_(to), output_(kPieceBytes) {
    // The header has no name and no time in it.
    ready_ = deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipSink() override { deflateEnd(&stream_); }
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;

  Result<> write(std::span<const char> bytes) override { return put(bytes, Z_NO_FLUSH); }
  Result<> finish() override {
    TRY(put({}, Z_FINISH));
    return to_.finish();
  }

 private:
  Result<> put(std::span<const char> bytes, int flush) {
    if (!ready_) return Error(ErrorClass::exhausted, "no memory to compress");
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = static_cast<uInt>(output_.size());
      if (deflate(&stream_, flush) == Z_STREAM_ERROR)
        return Error(ErrorClass::other, "zlib does not compress");
      TRY(to_.write({output_.data(), output_.size() - stream_.avail_out}));
    } while (stream_.avail_out == 0);
    return {};
  }

  Sink& to_;
  std::vector<char> output_;
  z_stream stream_{};
  bool ready_ = false;
};

class ZstdSink : public Sink {
 public:
  explicit ZstdSink(Sink& to)
      : to_(to), output_(kPieceBytes), context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (!context_) return;
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  Result<> write(std::span<const char> bytes) override { return put(bytes, ZSTD_e_continue); }
  Result<> finish() override {
    TRY(put({}, ZSTD_e_end));
    return to_.finish();
  }

 private:
  Result<> put(std::span<const char> bytes, ZSTD_EndDirective how) {
    if (!context_) return Error(ErrorClass::exhausted, "no memory to compress");
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{output_.data(), output_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, how);
      if (ZSTD_isError(left) != 0) return Error(ErrorClass::other, ZSTD_getErrorName(left));
      TRY(to_.write({output_.data(), out.pos}));
      if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }

  Sink& to_;
  std::vector<char> output_;
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
};

}  // namespace

std::unique_ptr<Source> decompressed(Source& from, Compression how) {
  if (how == Compression::gzip) return std::make_unique<GzipSource>(from);
  if (how == Compression::zstd) return std::make_unique<ZstdSource>(from);
  return std::make_unique<PlainSource>(from);
}

std::unique_ptr<Sink> compressed(Sink& to, Compression how) {
  if (how == Compression::gzip) return std::make_unique<GzipSink>(to);
  if (how == Compression::zstd) return std::make_unique<ZstdSink>(to);
  return std::make_unique<PlainSink>(to);
}

}  // namespace appshot::packing
