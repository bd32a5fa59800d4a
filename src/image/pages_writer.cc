#include "image/pages_writer.h"

#include <algorithm>
#include <cstring>

namespace appshot::image {

uint64_t PagesWriter::block() {
  if (!block_) block_ = file_->next_block();
  return *block_;
}

Result<> PagesWriter::commit(size_t bytes) {
  if (bytes > 0) (void)block();
  filled_ += bytes;
  return filled_ < kPagesBlock ? Result<>() : close();
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

Result<> PagesWriter::close() {
  if (!block_) return {};
  TRY(file_->write(*block_, {bytes_.get(), filled_}));
  filled_ = 0;
  block_.reset();
  return {};
}

}  // namespace appshot::image
