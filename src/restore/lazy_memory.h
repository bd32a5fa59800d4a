// Which memory of an image comes in only when its processes run already, and how it is handed to
// the pager that brings it.
#pragma once

#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/cgroup.h"
#include "pager/pager.h"
#include "resources/births.h"
#include "restore/late_files.h"
#include "restore/memory_layout.h"

namespace appshot {

enum class MemoryWish { automatic, lazy, eager };

class LazyMemory {
 public:
  // Automatic: large mappings of large images, where the kernel can. Class unsupported when it was
  // wished for and the kernel cannot.
  static Result<LazyMemory> choose(const image::ImageT& image, const Births& births,
                                   MemoryWish wish);

  bool any() const;
  bool is_lazy(size_t process, size_t mapping) const { return lazy_[process][mapping]; }
  bool has_any(size_t process) const;
  // The number at which a process with its descriptors in place makes its userfaultfd.
  static int descriptor(const image::ProcessT& process, const LateFiles& late);

  // Everything that its processes, which have just made theirs, will miss.
  Result<std::vector<PagerSetup::Space>> register_all(const image::ImageT& image,
                                                      const image::PagesReader& pages,
                                                      const LateFiles& late,
                                                      const Cgroup& application) const;

 private:
  std::vector<std::vector<bool>> lazy_;  // [process][mapping]
};

}  // namespace appshot
