// signalfd: a mask; the signals themselves are pending in their process.
#pragma once

#include "resources/file_kind.h"

namespace appshot::signalfds {

class Signalfd : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Signalfd; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::signalfds
