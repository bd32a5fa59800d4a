// Appends to an image's pages file. The caller reads straight into the writer's block, so that
// bytes are copied once on their way from a process to the file.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/format.h"
#include "os/unique_fd.h"

namespace appshot::image {

class PagesWriter {
 public:
  static Result<PagesWriter> create(const std::string& path);

  // Where the next byte will lie in the file.
  uint64_t offset() const { return block_start_ + filled_; }
  // Room in the block under way, never empty; what was put there is taken by commit.
  std::span<char> room() { return {block_.data() + filled_, block_.size() - filled_}; }
  Result<> commit(size_t bytes);
  Result<> append(std::span<const char> bytes);

  // Writes what is left and makes the file durable.
  Result<> finish();
  const std::vector<uint64_t>& checksums() const { return checksums_; }

 private:
  explicit PagesWriter(UniqueFd file) : file_(std::move(file)), block_(kPagesBlock) {}
  Result<> write_block();

  UniqueFd file_;
  std::vector<char> block_;
  uint64_t block_start_ = 0;
  size_t filled_ = 0;
  std::vector<uint64_t> checksums_;
};

}  // namespace appshot::image
