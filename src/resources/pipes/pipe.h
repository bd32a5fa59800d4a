// Pipes and FIFOs with what is in them. Content is read without taking it: tee(2) into a pipe of
// ours. Both kinds share Image.pipes; a description is one of possibly many at either end.
#pragma once

#include "resources/file_kind.h"

namespace appshot::pipes {

class Pipe : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::Pipe; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

class NamedPipe : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::NamedPipe; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

// The same of what has been captured, with all that was on its way between processes.
using CopyOfFile = std::function<Result<UniqueFd>(int index)>;
Result<> find_lost_ends(const image::ImageT& image, const CopyOfFile& copy_of,
                        Obstacles& obstacles);

// A pipe with an end outside of the application cannot be captured. Call with all its processes.
void find_outside_ends(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                       Obstacles& obstacles);

}  // namespace appshot::pipes
