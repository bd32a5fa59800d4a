// What a process that is about to be forked inherits of the memory that init has made for everyone:
// its own windows and those of the processes that it will make. Without this each of many processes
// would copy the windows of all, and most of a restore would be spent on giving them up again.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "restore/memory_layout.h"
#include "restore/spawn_plan.h"

namespace appshot {

// Used by each process for itself, between forks.
class InheritedWindows {
 public:
  InheritedWindows(const image::ImageT& image, const MemoryLayout& layout, const SpawnPlan& plan)
      : image_(image), layout_(layout), plan_(plan) {}

  // Nobody whom `pid` forks gets what is meant for another, until it is passed on.
  Result<> withhold_below(int pid) const;
  // The same for what is meant for this process and all below it.
  Result<> withhold(size_t process) const;
  // The next fork takes the windows of this process and of all below it …
  Result<> pass_on(size_t process) const;
  // … and then the one that forked has no use for them any more.
  void forget(size_t process) const;

 private:
  template <typename Visit>
  void visit_tree(size_t process, const Visit& visit) const;
  template <typename Visit>
  void visit_below(int pid, const Visit& visit) const;
  bool has_one_child(int pid) const;
  Result<> advise(size_t process, int advice) const;
  Result<> advise_tree(size_t process, int advice) const;

  const image::ImageT& image_;
  const MemoryLayout& layout_;
  const SpawnPlan& plan_;
};

}  // namespace appshot
