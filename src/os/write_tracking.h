// What another process writes, told by the kernel afterwards: a userfaultfd of that process with
// asynchronous write protection. A page that is protected (PageScan::protect) loses the protection
// when it is written, and nobody waits for us. When the descriptor is closed, by our death too, it
// is as if there had never been any.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "os/page_scan.h"
#include "os/unique_fd.h"

namespace appshot {

class WriteTracking {
 public:
  // What the process itself must call userfaultfd() with; we take the descriptor from it.
  static const int kCallFlags;

  static Result<WriteTracking> begin(UniqueFd userfault);
  static Result<WriteTracking> of_ourselves();

  // Whole mappings, which are unprotected. False: such memory cannot be tracked, or it is another's
  // by now.
  bool add(const PageScan& scan, uint64_t start, uint64_t end) const;

 private:
  bool unprotect(const PageScan& scan, uint64_t start, uint64_t end) const;
  explicit WriteTracking(UniqueFd userfault) : userfault_(std::move(userfault)) {}
  UniqueFd userfault_;
};

}  // namespace appshot
