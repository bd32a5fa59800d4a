// Sockets that know no more than a name, a peer and options: raw ones over IPv4 and IPv6, those for
// pings, and netlink. Of what waits in them to be read packets are kept (packets.h); what the
// kernel has said in netlink it says to nobody again.
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

// In two steps, between which packets may come to it.
Result<UniqueFd> new_socket(const image::PlainSocketT& record);
Result<> finish(int socket, const image::OpenFileT& file);

}  // namespace appshot::plain_sockets
