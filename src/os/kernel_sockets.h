// Connections that wait in the backlog of a listening UNIX socket. No call shows one before it is
// accepted: what its client has written to it meanwhile, who the client was, whether it is still
// there. The kernel's memory does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/kernel_message.h"
#include "os/kernel_view.h"

namespace appshot {

struct WaitingConnection {
  uint32_t client = 0;           // inode of the client's end; 0: closed
  std::vector<uint8_t> name;     // of the client, sun_path as many bytes as it has; empty: none
  KernelIdentity identity;       // who connected
  bool has_urgent_byte = false;  // sent out of band
  // SO_PASSCRED and the like, which it has from its listener as it was when the client connected;
  // absent: it will have them from the listener when it is accepted (before 6.16).
  std::optional<std::map<int, bool>> receives{};
  std::vector<QueuedMessage> messages;
};

// In their order, of a listener that the caller has open. Clients should stand still; where they do
// not, this may fail, or tell of no single moment.
Result<std::vector<WaitingConnection>> waiting_connections(KernelView& kernel, int listener);

// How many bytes are to be read from a UNIX stream that the caller has open before the one that was
// sent out of band and not taken yet; none: there is none.
Result<std::optional<size_t>> bytes_before_urgent(KernelView& kernel, int socket);

// How deep the caller's own pid namespace is.
Result<size_t> own_pid_depth(KernelView& kernel);

}  // namespace appshot
