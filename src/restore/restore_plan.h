// What of a restore depends on the image alone: where everything will lie while memory is on its
// way, who forks whom, and every call every thread will make. Made in the process whose forks take
// part, or whose fork's do: a seed has one for all the instances that are made from it.
#pragma once

#include <memory>

#include "base/result.h"
#include "resources/births.h"
#include "restore/file_mappings.h"
#include "restore/late_files.h"
#include "restore/lazy_memory.h"
#include "restore/memory_layout.h"
#include "restore/own_parts.h"
#include "restore/script.h"
#include "restore/zone.h"

namespace appshot {

class RestorePlan {
 public:
  // The image must outlive it.
  static Result<std::unique_ptr<RestorePlan>> make(const image::ImageT& image, MemoryWish wish);
  RestorePlan(const RestorePlan&) = delete;
  RestorePlan& operator=(const RestorePlan&) = delete;

  const Births births;
  const LateFiles late;
  const OwnParts own_parts;
  const int exe_fd;  // behind user_space_descriptor()
  const FileMappings files;
  MemoryLayout layout;
  LazyMemory lazy;
  std::optional<Zone> zone;
  Script script;
  bool has_common_windows = false;  // they have been made already (restore/seed.h)

 private:
  explicit RestorePlan(const image::ImageT& image);
};

// Above every descriptor number the image's processes use.
int first_free_descriptor(const image::ImageT& image);

}  // namespace appshot
