// UDP and UDP-Lite sockets over IPv4 and IPv6, with the datagrams that wait in them.
#pragma once

#include "resources/file_kind.h"

namespace appshot::udp {

class UdpSocket : public FileKind {
 public:
  bool recognises(const DescriptorRef& ref) const override;
  std::string obstacle(const DescriptorRef& ref) const override;
  Result<image::FileKindUnion> capture(CaptureContext& context,
                                       const DescriptorRef& ref) const override;
  image::FileKind type() const override { return image::FileKind::UdpSocket; }
  Result<UniqueFd> reopen(RestoreContext& context, const image::OpenFileT& file) const override;
};

}  // namespace appshot::udp
