// The pages file of an image while it is written. Blocks are handed out in order and come back in
// any: several threads read, check and write at once, each with a block that stays in its cache.
//
// Threads: any. Death: the file is left as far as it came.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/unique_fd.h"

namespace appshot::image {

class PagesFile {
 public:
  // `busy_disk`: somebody will wait for the disk, which is given work from the beginning.
  // `base`: the offset in the image of its first byte.
  static Result<std::unique_ptr<PagesFile>> create(const std::string& path, uint64_t base = 0,
                                                   bool busy_disk = false);
  PagesFile(UniqueFd file, uint64_t base, uint64_t dirty_max)
      : file_(std::move(file)), base_(base), dirty_max_(dirty_max) {}

  uint64_t base() const { return base_; }

  // Called after each block with how many bytes there are by then; one call at a time.
  void on_block(std::function<void(uint64_t)> tell) { tell_ = std::move(tell); }

  // The number of a block that is the caller's to write.
  uint64_t next_block();
  // What a block lacks of kPagesBlock bytes reads as zeros; in the last one it is not there.
  Result<> write(uint64_t block, std::span<const char> bytes);

  // When every block that was handed out is written: gives the file its length.
  Result<> finish();
  // After finish:
  uint64_t length() const { return length_; }
  std::unique_ptr<PagesPartT> part(const std::string& name) const;
  uint64_t next_base() const;  // of a file that comes after it

 private:
  struct ShortBlock {
    uint64_t number;
    std::vector<char> bytes;
  };

  UniqueFd file_;
  const uint64_t base_;
  const uint64_t dirty_max_;
  std::function<void(uint64_t)> tell_;
  uint64_t length_ = 0;

  std::mutex mutex_;  // guards what follows, until finish
  std::vector<uint64_t> checksums_;
  std::vector<ShortBlock> short_;  // as many as there are writers
  uint64_t written_ = 0;
  uint64_t reserved_ = 0;
  uint64_t under_way_ = 0;  // up to here the kernel was told to begin writing to the disk
};

}  // namespace appshot::image
