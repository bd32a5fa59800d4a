// Mappings of files in which nothing is the process's own (most of a program's code and constants)
// are not carried in windows: each process maps them at their place itself, from descriptors that
// init opens once and all inherit. That is most mappings of most programs, and the kernel's work
// for a restore grows with the mappings that are forked and moved.
#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/restore_context.h"

namespace appshot {

bool is_mapped_in_place(const image::ImageT& image, const image::ProcessT& process,
                        const image::MappingT& mapping);

class FileMappings {
 public:
  // Their files will have the descriptors from `first` on, until end().
  FileMappings(const image::ImageT& image, int first);

  int descriptor(const image::MappingT& mapping) const { return descriptors_.at(mapping.object); }
  int end() const { return end_; }

  // In init; whoever is forked as long as they live inherits them.
  Result<std::vector<UniqueFd>> open_files(RestoreContext& context) const;

 private:
  std::map<int, int> descriptors_;  // by Image.mapped_files
  int end_;
};

}  // namespace appshot
