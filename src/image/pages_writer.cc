#include "image/pages_writer.h"

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

Result<> PagesWriter::close() {
  if (!block_) return {};
  TRY(file_->write(*block_, {bytes_.get(), filled_}));
  filled_ = 0;
  block_.reset();
  return {};
}

}  // namespace appshot::image
