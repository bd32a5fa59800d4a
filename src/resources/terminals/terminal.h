// Terminals as processes hold them: the instance's own and those that the application has made.
// A side that programs use (/dev/pts/N), the side that shows it (its master), and /dev/tty for a
// process whose controlling terminal it is.
#pragma once

#include "resources/file_kind.h"

namespace appshot::terminals {

class Terminal : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Terminal; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
  Result<UniqueFd> reopen_child(const RestoreContext& context,
                                const image::OpenFileT& file) const override;
};

class TerminalMaster : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::TerminalMaster; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::terminals
