// Reads an image's pages back to where they belong, verifying every block on the way.
#pragma once

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
  Result<> load(std::vector<Placement> placements) const;
  Result<> verify_all() const;
  int fd() const { return file_.get(); }

 private:
  PagesReader(UniqueFd file, uint64_t length, std::vector<uint64_t> checksums)
      : file_(std::move(file)), length_(length), checksums_(std::move(checksums)) {}
  Result<> load_block(uint64_t block, std::span<const Placement> placements) const;
  Result<> read_exactly(uint64_t offset, char* to, uint64_t length) const;

  UniqueFd file_;
  uint64_t length_;
  std::vector<uint64_t> checksums_;
};

}  // namespace appshot::image
