// Sockets that know no more than a name, a peer and options: raw ones over IPv4 and IPv6, those for
// pings, and netlink. What waits in them to be read comes from the kernel or the network and
// cannot be put back.
#pragma once

#include "resources/file_kind.h"

namespace appshot::plain_sockets {

class PlainSocket : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::PlainSocket; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::plain_sockets
