// Open files as the kernel keeps them: for those to which no descriptor leads.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

// Of the open file description behind a descriptor of the caller; it is the same one exactly when
// the address is the same.
Result<uint64_t> file_address(KernelView& kernel, int fd);

struct KernelFile {
  uint64_t inode = 0;   // its address
  uint64_t number = 0;  // the inode's
  mode_t mode = 0;
  uint32_t flags = 0;
  int64_t position = 0;
  bool has_locks = false;  // or had: somebody has locked the file at some time
};
Result<KernelFile> describe_file(KernelView& kernel, uint64_t address);

}  // namespace appshot
