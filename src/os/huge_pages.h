// The pool of huge pages that an administrator sets aside (hugetlbfs), as opposed to transparent
// ones.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace appshot {

inline constexpr uint64_t kSmallestHugePage = 2 << 20;

// How large the pages are of which a file consists; 0: ordinary ones.
Result<uint64_t> huge_page_of(int file);

// For mmap (MAP_HUGETLB) and memfd_create (MFD_HUGETLB); none for ordinary pages.
int huge_mapping_flags(uint64_t page_bytes);
unsigned huge_memfd_flags(uint64_t page_bytes);

// How many of that size nobody has or was promised.
uint64_t free_huge_pages(uint64_t page_bytes);

}  // namespace appshot
