// pidfds of processes inside the instance; opened by the process that holds them, once all exist.
#pragma once

#include "resources/file_kind.h"

namespace appshot::pidfds {

class Pidfd : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Pidfd; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
  bool made_late(const image::OpenFileT& file) const override;
  void plan_open(const image::OpenFileT& file, const LateOpening& opening, CallList& calls,
                 DataSpace& data) const override;
};

}  // namespace appshot::pidfds
