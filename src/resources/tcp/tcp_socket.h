// TCP sockets over IPv4 and IPv6: fresh, bound, listening, connecting, connected in every state.
// What a connection holds is read when all of them are known (connections.h); they are made
// together (make_sockets.h).
#pragma once

#include "resources/file_kind.h"

namespace appshot::tcp {

class TcpSocket : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::TcpSocket; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::tcp
