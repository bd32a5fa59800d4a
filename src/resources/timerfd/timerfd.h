// timerfd: a timer that is read; kept with the time that is left and the expirations not yet read.
#pragma once

#include "resources/file_kind.h"

namespace appshot::timerfds {

class Timerfd : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Timerfd; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::timerfds
