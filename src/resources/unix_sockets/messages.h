// What is queued in a UNIX socket: read without taking it, and put back.
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/result.h"
#include "resources/capture_context.h"

namespace appshot::unix_sockets {

// Into the socket's record, Image.open_files[file].
Result<> capture_messages(CaptureContext& context, int file, int socket);

// How many bytes are to be read before the one that was sent out of band; none: there is none.
std::optional<size_t> place_of_urgent(const image::UnixSocketT& socket);
// The process id of the sender of one message in the queue, in the ids of the caller; 0: unknown.
pid_t sender_pid(int socket, int message, std::optional<size_t> urgent_at);

// Sends it once more. `files` are Image.open_files; `to` is empty for a connected sender.
Result<> send_again(int socket, const image::UnixMessageT& message,
                    const std::vector<UniqueFd>& files, const std::vector<uint8_t>& to);

}  // namespace appshot::unix_sockets
