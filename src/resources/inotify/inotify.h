// inotify: watches with their numbers. Which file a watch is on the kernel tells as a file handle;
// the name is found among those the application is likely to have used.
#pragma once

#include "resources/file_kind.h"

namespace appshot::inotifies {

class Inotify : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Inotify; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::inotifies
