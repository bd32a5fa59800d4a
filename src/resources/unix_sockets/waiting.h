// Connections that a listener has not accepted yet.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "os/kernel_sockets.h"
#include "os/sock_diag.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"
#include "resources/unix_sockets/unheld_files.h"

namespace appshot::unix_sockets {

// Whether more has happened than that a client has connected: without the kernel's memory that is
// all that can be told.
using UnixSocketStates = std::map<uint32_t, UnixSocketState>;
bool waits_with_more(const UnixSocketState& listener, const UnixSocketStates& states);

class WaitingConnections {
 public:
  // When all that is open, and all that is queued where it can be taken from, has been captured.
  WaitingConnections(CaptureContext& context, const std::vector<ProcessSource>& processes,
                     const UnixSocketStates& states)
      : context_(context), processes_(processes), states_(states) {}

  // Into the record of the listener.
  Result<> capture(const SeenSocket& listener, const UnixSocketState& state);
  // When all are captured: a client that has closed its socket has left a name, and to connect as
  // it did takes that name for a moment.
  void find_names_in_use();

 private:
  using Waiting = std::unique_ptr<image::UnixWaitingT>;

  Result<> look(const SeenSocket& listener, const UnixSocketState& state);
  Result<> guess(const SeenSocket& listener, const UnixSocketState& state);
  Result<Waiting> record(const WaitingConnection& connection, const std::string& listener);
  int client_of(uint32_t inode, const std::string& listener);
  // "process 12 (nginx) has descriptor 7 open on a UNIX socket"
  std::string words_of(uint32_t listener) const;
  std::unique_ptr<image::IdentityT> holder_of(uint32_t inode) const;
  std::unique_ptr<image::IdentityT> identity(const KernelIdentity& from) const;
  Result<std::unique_ptr<image::UnixMessageT>> message(const QueuedMessage& from,
                                                       const std::string& listener);

  CaptureContext& context_;
  const std::vector<ProcessSource>& processes_;
  const UnixSocketStates& states_;
  std::optional<Result<KernelView>> kernel_;  // opened for the first that waits
  size_t own_depth_ = 0;
  std::optional<UnheldFiles> files_;
};

}  // namespace appshot::unix_sockets
