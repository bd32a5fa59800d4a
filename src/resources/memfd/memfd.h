// memfd descriptors; their memory is one of Image.shared_memory, shared with every mapping of it.
#pragma once

#include "resources/file_kind.h"

namespace appshot::memfds {

class Memfd : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Memfd; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::memfds
