// Namespaces held open (/proc/self/ns/net …): the instance's own, which a restore makes anew, and
// those that the application has made.
#pragma once

#include "resources/file_kind.h"

namespace appshot::process_files {

class NamespaceFile : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::NamespaceFile; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::process_files
