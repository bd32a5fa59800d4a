// Appends to an image's pages file. The caller reads straight into the writer's block, so that
// bytes are copied once on their way from a process to the file.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/block_file.h"
#include "image/format.h"

namespace appshot::image {

class PagesWriter {
 public:
  static Result<PagesWriter> create(const std::string& path);

  // Where the next byte will lie in the file.
  uint64_t offset() const { return block_start_ + block_.filled; }
  // Room in the block under way, never empty; what was put there is taken by commit.
  std::span<char> room() { return std::span(block_.bytes).subspan(block_.filled); }
  Result<> commit(size_t bytes);
  Result<> append(std::span<const char> bytes);

  // Called after each block with how many bytes there are by then.
  void on_block(std::function<void(uint64_t)> tell) { tell_ = std::move(tell); }

  // Writes what is left.
  Result<> finish();
  // After it: the bytes outlast a loss of power.
  Result<> make_durable() { return file_->make_durable(); }
  const std::vector<uint64_t>& checksums() const { return file_->checksums(); }

 private:
  PagesWriter(std::unique_ptr<BlockFile> file, Block first)
      : file_(std::move(file)), block_(std::move(first)) {}

  std::unique_ptr<BlockFile> file_;
  Block block_;
  uint64_t block_start_ = 0;
  std::function<void(uint64_t)> tell_;
};

}  // namespace appshot::image
