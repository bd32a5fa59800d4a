// Connections that wait in the queue of a TCP listener: read out of the kernel's memory, and put
// back by telling the kernel of handshakes that have just ended.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/accept_queue.h"
#include "resources/capture_context.h"

namespace appshot::tcp {

// Into the records of the listeners, when what the application's other sockets have to send is
// known.
Result<> capture_waiting(CaptureContext& context);

class WaitingConnections {
 public:
  // `keeps_connections`: those with others go on; else they have been reset. In the host's network
  // they are none of ours any more then.
  WaitingConnections(bool keeps_connections, bool in_host_network)
      : keeps_connections_(keeps_connections), in_host_network_(in_host_network) {}

  // Into the queue of a listener, before there is another one at its name. From the first on
  // nothing that is said over loopback is heard, but in the host's network.
  Result<> put_back(int listener, const image::TcpSocketT& record);
  void let_all_speak() { queue_.reset(); }
  size_t lost() const { return lost_; }

 private:
  Result<> put(const image::TcpSocketT& waiting);

  bool keeps_connections_;
  bool in_host_network_;
  std::optional<AcceptQueue> queue_;
  std::map<std::string, uint32_t> groups_;  // listeners so far that share a name
  size_t lost_ = 0;
};

}  // namespace appshot::tcp
