#pragma once
// eventfd: a counter.

#include "resources/file_kind.h"

namespace appshot::eventfds {

class Eventfd : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Eventfd; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::eventfds
