// Appends to blocks of an image's pages file. The caller reads straight into the writer's block, so
// that bytes are copied once on their way from a process to the file. Writers of several threads
// share a file.
//
// Threads: used from one.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "image/format.h"
#include "image/pages_file.h"

namespace appshot::image {

class PagesWriter {
 public:
  explicit PagesWriter(PagesFile& file)
      : file_(&file), bytes_(std::make_unique_for_overwrite<char[]>(kPagesBlock)) {}

  // Where the next byte will lie in the image.
  uint64_t offset() { return file_->base() + block() * kPagesBlock + filled_; }
  // Room in the block under way, never empty; what was put there is taken by commit.
  std::span<char> room() { return {bytes_.get() + filled_, kPagesBlock - filled_}; }
  Result<> commit(size_t bytes);

  // Writes what is left; the next byte begins a new block.
  Result<> close();

 private:
  uint64_t block();

  PagesFile* file_;
  std::unique_ptr<char[]> bytes_;
  size_t filled_ = 0;
  std::optional<uint64_t> block_;  // none before it is needed
};

}  // namespace appshot::image
