// The devices that hold no state: /dev/null, zero, full, random, urandom.
#pragma once

#include "resources/file_kind.h"

namespace appshot::files {

class DeviceFile : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::DeviceFile; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::files
