#include "image/pages_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "os/file.h"

namespace appshot::image {

Result<PagesWriter> PagesWriter::create(const std::string& path) {
  auto file = std::make_unique<BlockFile>(TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600)));
  Block first = TRY(file->next_block());
  return PagesWriter(std::move(file), std::move(first));
}

Result<> PagesWriter::commit(size_t bytes) {
  block_.filled += bytes;
  if (block_.filled < block_.bytes.size()) return {};
  block_start_ += block_.filled;
  file_->put(std::move(block_));
  block_ = TRY(file_->next_block());
  if (tell_) tell_(block_start_);
  return {};
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

Result<> PagesWriter::finish() {
  block_start_ += block_.filled;
  if (block_.filled > 0) file_->put(std::exchange(block_, Block{}));
  return file_->finish();
}

}  // namespace appshot::image
