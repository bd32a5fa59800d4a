// Copies memory into an image's pages file and notes where it lies; pages of zeros are left out
// where a fresh mapping would read zeros anyway.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/pages_writer.h"
#include "image/schema/values.h"
#include "trace/remote_memory.h"

namespace appshot {

struct PageCopy {
  image::PagesWriter& pages;
  std::vector<image::PageRun>& runs;
  bool drop_zeros = true;

  Result<> from_process(const RemoteMemory& memory, uint64_t start, uint64_t end);
  // The data of a file, holes left out; run addresses are offsets.
  Result<> from_file(int fd, uint64_t size);

 private:
  Result<> keep(uint64_t address, size_t bytes);
};

}  // namespace appshot
