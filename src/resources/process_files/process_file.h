// Files and folders of the instance's /proc about a process or thread (maps, status, fd, task …).
// They are opened anew when that process exists, by who holds them.
#pragma once

#include <string_view>

#include "resources/file_kind.h"

namespace appshot::process_files {

class ProcessFile : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::ProcessFile; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
  bool made_late(const image::OpenFileT& file) const override;
  void plan_open(const image::OpenFileT& file, const LateOpening& opening, CallList& calls,
                 DataSpace& data) const override;
};

// "12/fd" for "/proc/12/fd"; empty: it is not about a process.
std::string_view path_in_proc(std::string_view path);

}  // namespace appshot::process_files
