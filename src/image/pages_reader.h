// Reads an image's pages back to where they belong, verifying every block on the way. Threads: one.
#pragma once

#include <sys/uio.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::image {

// Bytes of the pages file and the memory they go to.
struct Placement {
  uint64_t offset;
  uint64_t length;
  char* to;
};

class PagesReader {
 public:
  // `length` and `checksums` are what the manifest says.
  static Result<PagesReader> open(const std::string& path, uint64_t length,
                                  std::vector<uint64_t> checksums);

  // Whole blocks are read in the order of the file; what no placement wants is only verified when
  // it shares a block with something wanted.
  // `tell`: called after each block, one call at a time.
  using Tell = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;
  Result<> load(std::vector<Placement> placements, const Tell& tell = {}) const;
  // Bytes of the pages file, written to `fd` at `position`. Neighbours in the file are best copied
  // one after another: the block last verified is kept.
  Result<> copy_to(int fd, uint64_t offset, uint64_t length, uint64_t position) const;
  Result<> verify_all() const;
  int fd() const { return file_.get(); }

 private:
  PagesReader(UniqueFd file, uint64_t length, std::vector<uint64_t> checksums)
      : file_(std::move(file)), length_(length), checksums_(std::move(checksums)) {}
  struct Wanted {
    uint64_t block;
    std::span<const Placement> placements;
  };
  Result<> load_blocks(std::span<const Wanted> wanted, const Tell& tell) const;
  Result<> load_block(uint64_t block, std::span<const Placement> placements) const;
  Result<std::span<const char>> verified_block(uint64_t block) const;
  Result<> read_pieces(uint64_t offset, std::span<const iovec> pieces) const;
  Result<> read_exactly(uint64_t offset, char* to, uint64_t length) const;

  UniqueFd file_;
  uint64_t length_;
  std::vector<uint64_t> checksums_;
  mutable std::vector<char> kept_;  // the block last copied from
  mutable uint64_t kept_block_ = 0;
};

}  // namespace appshot::image
