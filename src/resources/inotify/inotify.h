// inotify: watches with their numbers. Which file a watch is on the kernel tells as a file handle;
// the name is found among those the application is likely to have used.
#pragma once

#include <sys/inotify.h>

#include "resources/file_kind.h"

namespace appshot::inotifies {

// Who has asked for one of these is told when we read a file.
inline constexpr uint32_t kTellReading = IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE;
bool tells_of_reading(const std::string& fdinfo);

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
