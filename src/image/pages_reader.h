// Reads an image's pages back to where they belong, verifying every block on the way. Threads: one.
#pragma once

#include <sys/uio.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/pages_parts.h"
#include "os/unique_fd.h"

namespace appshot::image {

// Pages by their offset, and the memory they go to.
struct Placement {
  uint64_t offset;
  uint64_t length;
  char* to;
};

class PagesReader {
 public:
  // The parts of a verified manifest; `folder` is the image's.
  static Result<PagesReader> open(const std::string& folder, const PagesParts& parts);

  // Whole blocks are read in the order of their offsets; what no placement wants is only verified
  // when it shares a block with something wanted.
  // `tell`: called after each block, one call at a time.
  using Tell = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;
  Result<> load(std::vector<Placement> placements, const Tell& tell = {}) const;
  // Written to `fd` at `position`. Neighbours are best copied one after another: the block last
  // verified is kept.
  Result<> copy_to(int fd, uint64_t offset, uint64_t length, uint64_t position) const;
  // Every block in which one of these runs lies.
  Result<> verify(std::vector<PageRun> runs) const;
  std::vector<int> descriptors() const;

 private:
  int fd_of(const PagesPartT& part) const { return files_.at(part.file).get(); }
  struct Wanted {
    const PagesPartT* part;
    uint64_t start;  // of the block
    std::span<const Placement> placements;
  };
  PagesReader() = default;
  static Error corrupt_block(const PagesPartT& part, uint64_t start);
  Result<> load_blocks(std::span<const Wanted> wanted, const Tell& tell) const;
  Result<> load_block(const Wanted& wanted) const;
  Result<std::span<const char>> verified_block(const PagesPartT& part, uint64_t start) const;
  Result<> read_pieces(const PagesPartT& part, uint64_t offset,
                       std::span<const iovec> pieces) const;
  Result<> read_exactly(const PagesPartT& part, uint64_t offset, char* to, uint64_t length) const;

  std::map<std::string, UniqueFd> files_;
  PagesParts parts_;
  mutable std::vector<char> kept_;  // the block last copied from
  mutable uint64_t kept_start_ = 0;
};

}  // namespace appshot::image
