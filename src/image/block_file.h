// The pages file of an image while it is written: whole blocks go in, a thread of its own checks
// them off and writes them, so that reading memory and writing it take place at once.
//
// Threads: used from one. Death: the file is left as far as it came.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::image {

struct Block {
  std::vector<char> bytes;  // kPagesBlock of them
  size_t filled = 0;
};

class BlockFile {
 public:
  explicit BlockFile(UniqueFd file);
  ~BlockFile();

  // An empty block to be filled; waits for one to be written when many are on their way.
  Result<Block> next_block();
  // The order of these calls is the order in the file.
  void put(Block block);

  // Waits until all is written; the file has its length then, but may still be lost with the power.
  Result<> finish();
  Result<> make_durable();
  const std::vector<uint64_t>& checksums() const { return checksums_; }  // after finish

 private:
  void run();
  Result<> write(const Block& block);
  void reserve_room();
  void stop();

  UniqueFd file_;
  uint64_t written_ = 0;
  uint64_t reserved_ = 0;
  uint64_t under_way_ = 0;  // up to here the kernel was told to begin writing to the disk
  std::vector<uint64_t> checksums_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Block> full_;
  std::vector<Block> free_;
  size_t made_ = 0;
  bool closing_ = false;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace appshot::image
