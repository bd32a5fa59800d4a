// Descriptors of POSIX message queues; the queue itself is one of Image.message_queues.
#pragma once

#include "resources/file_kind.h"

namespace appshot::mqueues {

class MessageQueue : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::MessageQueueFile; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

bool is_queue(const ProcessSource& process, const DescriptorSource& descriptor);
// Its index in Image.message_queues.
Result<int> queue_of(CaptureContext& context, const ProcessSource& process,
                     const DescriptorSource& descriptor);

}  // namespace appshot::mqueues
