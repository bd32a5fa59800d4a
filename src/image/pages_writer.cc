#include "image/pages_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "os/file.h"

namespace appshot::image {

Result<PagesWriter> PagesWriter::create(const std::string& path) {
  return PagesWriter(TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600)));
}

Result<> PagesWriter::commit(size_t bytes) {
  filled_ += bytes;
  return filled_ == block_.size() ? write_block() : Result<>{};
}

Result<> PagesWriter::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    std::span<char> free = room();
    size_t part = std::min(free.size(), bytes.size());
    std::memcpy(free.data(), bytes.data(), part);
    TRY(commit(part));
    bytes = bytes.subspan(part);
  }
  return {};
}

Result<> PagesWriter::write_block() {
  if (filled_ == 0) return {};
  checksums_.push_back(XXH3_64bits(block_.data(), filled_));
  TRY(write_all(file_.get(), {block_.data(), filled_}).within("writing the pages of the image"));
  block_start_ += filled_;
  filled_ = 0;
  return {};
}

Result<> PagesWriter::finish() {
  TRY(write_block());
  if (block_start_ > 0) TRY_SYS(::fdatasync(file_.get()));
  return {};
}

}  // namespace appshot::image
