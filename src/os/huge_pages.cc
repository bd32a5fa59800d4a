#include "os/huge_pages.h"

#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>

#include "os/file.h"

namespace appshot {
namespace {

uint64_t count(const std::string& folder, const char* name) {
  const uint64_t number = std::strtoull(read_file(folder + name).value_or("").c_str(), nullptr, 10);
  // The kernel takes some promises back before it has given them: for a moment there are less than
  // none.
  return std::bit_cast<int64_t>(number) < 0 ? 0 : number;
}

}  // namespace

Result<uint64_t> huge_page_of(int file) {
  struct statfs system {};
  TRY_SYS(::fstatfs(file, &system));
  return system.f_type == HUGETLBFS_MAGIC ? static_cast<uint64_t>(system.f_bsize) : 0;
}

int huge_mapping_flags(uint64_t page_bytes) {
  if (page_bytes == 0) return 0;
  return MAP_HUGETLB | std::countr_zero(page_bytes) << MAP_HUGE_SHIFT;
}

unsigned huge_memfd_flags(uint64_t page_bytes) {
  if (page_bytes == 0) return 0;
  return MFD_HUGETLB | static_cast<unsigned>(std::countr_zero(page_bytes)) << MFD_HUGE_SHIFT;
}

uint64_t free_huge_pages(uint64_t page_bytes) {
  const std::string folder =
      "/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page_bytes >> 10) + "kB/";
  const uint64_t free = count(folder, "free_hugepages"), promised = count(folder, "resv_hugepages");
  const uint64_t more = count(folder, "nr_overcommit_hugepages");
  return free - std::min(free, promised) +
         (more - std::min(more, count(folder, "surplus_hugepages")));
}

}  // namespace appshot
