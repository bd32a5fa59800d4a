// Where the content of a page is, of which the kernel has only noted which one it is.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

// All physical memory is mapped at one place, and described by one array at another (struct page).
// Where those places are is drawn anew each time the machine starts, and no call tells. A page of
// ours does: we know what is in it, and which physical page it is.
class KernelPages {
 public:
  explicit KernelPages(KernelView& kernel) : kernel_(kernel) {}  // looks when it is asked first

  // `page` is the address of a struct page.
  Result<uint64_t> address_of(uint64_t page);

 private:
  Result<> find_places();
  Result<uint64_t> find_memory(uint64_t within, uint64_t physical, const uint8_t* content);

  KernelView& kernel_;
  uint64_t memory_ = 0, descriptions_ = 0;
};

}  // namespace appshot
