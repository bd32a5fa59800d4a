// UNIX sockets: pairs and named ones, with what is queued in them, and who is on the way to them.
// A socket is more than one descriptor tells: what joins them is looked at when all are known
// (connections.h, messages.h), and they are made together (make_sockets.h).
#pragma once

#include "resources/file_kind.h"

namespace appshot::unix_sockets {

class UnixSocket : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::UnixSocket; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

bool is_unix(const DescriptorRef& ref);

}  // namespace appshot::unix_sockets
