// Files and folders, by name; those without a name any more, by content.
#pragma once

#include "resources/file_kind.h"

namespace appshot::files {

class RegularFile : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::RegularFile; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

// Opens what a name stands for; a lost file is made again from its content first.
Result<UniqueFd> open_named(RestoreContext& context, const image::FileNameT& name, int flags);

}  // namespace appshot::files
