// The instance's own ends of what the harness gave it as standard input, output and error. A
// restore gives it new ones.
#pragma once

#include "resources/file_kind.h"

namespace appshot::streams {

class Stream : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Stream; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::streams
